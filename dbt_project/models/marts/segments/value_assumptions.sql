with

assumptions as (

    select * from {{ ref('stg_rulebook__assumptions') }}

)

select
    assumptions.assumption,
    words.text as meaning,

    assumptions.low_value as low,
    assumptions.base_value as base,
    assumptions.high_value as high,
    assumptions.unit,
    currency.currency,
    assumptions.reference
from assumptions
inner join {{ ref('stg_rulebook__words') }} as words on 'assumption.' || assumptions.assumption = words.key
cross join {{ ref('stg_rulebook__currency') }} as currency
