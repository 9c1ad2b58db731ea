with

assumptions as (

    select * from {{ ref('economics_assumptions') }}

)

select base as currency
from assumptions
where assumption = 'currency'
