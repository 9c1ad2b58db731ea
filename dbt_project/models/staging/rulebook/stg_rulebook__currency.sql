with

assumptions as (

    select * from {{ ref('economics_assumptions') }}

)

select
    {{ "'" ~ var('currency') ~ "'" if var('currency') else 'base' }} as currency,
    {{ "upper(base) = upper('" ~ var('currency') ~ "')" if var('currency') else 'true' }} as is_that_of_the_assumptions
from assumptions
where assumption = 'currency'
