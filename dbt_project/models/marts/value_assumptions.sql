with

assumptions as (

    select * from {{ ref('economics_assumptions') }}
    where assumption != 'currency'

),

currency as (

    select base as currency
    from {{ ref('economics_assumptions') }}
    where assumption = 'currency'

)

select
    assumptions.assumption,
    words.text as meaning,

    cast(assumptions.low as double) as low,
    cast(assumptions.base as double) as base,
    cast(assumptions.high as double) as high,
    assumptions.unit,
    currency.currency,
    assumptions.source
from assumptions
inner join {{ ref('words') }} as words on 'assumption.' || assumptions.assumption = words.key
cross join currency
