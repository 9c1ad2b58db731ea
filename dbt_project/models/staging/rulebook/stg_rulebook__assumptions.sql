-- The currency is no assumption of the formula: see stg_rulebook__currency.
with

assumptions as (

    select * from {{ ref('economics_assumptions') }}
    where assumption != 'currency'

)

select
    assumption,
    low,
    base,
    high,
    unit,
    reference,
    try_cast(low as double) as low_value,
    try_cast(base as double) as base_value,
    try_cast(high as double) as high_value,
    'economics_assumptions.csv: ' || assumption as place
from assumptions
