with

archetypes as (

    select * from {{ ref('archetypes') }}

),

conditions as (

    select * from {{ ref('stg_rulebook__conditions') }}

)

select 'archetypes.csv: ' || archetype || ' stands there ' || count(*) || ' times; keep one' as problem
from archetypes
group by archetype
having count(*) > 1

union all
select
    'archetypes.csv: ' || archetype || ' has priority ' || coalesce(priority, '(empty)')
    || '; expected a whole number' as problem
from archetypes
where try_cast(priority as integer) is null

union all
select
    'archetypes.csv: ' || string_agg(archetype, ' and ' order by archetype) || ' share priority '
    || priority || ', so which one counts is not said; give each its own' as problem
from archetypes
group by priority
having count(distinct archetype) > 1

union all
select 'archetypes.csv: ' || archetype || ' has no row in archetype_conditions.csv; add its conditions' as problem
from archetypes
where
    not exists (
        select 1 from conditions
        where conditions.archetype = archetypes.archetype
    )
