with

conditions as (

    select * from {{ ref('archetype_conditions') }}

)

select
    archetype,
    feature,
    statistic,
    above,
    below,
    try_cast(above as double) as lower_bound,
    try_cast(below as double) as upper_bound,
    'archetype_conditions.csv: ' || archetype || ', ' || feature || ' ' || statistic as place
from conditions
