with

movements as (

    select * from {{ ref('movements') }}

),

known as (

    select archetype from {{ ref('archetypes') }}
    union all
    select unnest(['any', 'none']) as archetype

),

ends as (

    select
        movement,
        from_archetype as archetype
    from movements
    union all
    select
        movement,
        to_archetype as archetype
    from movements

)

select distinct
    'movements.csv: ' || ends.movement || ' names ' || coalesce(ends.archetype, 'nothing')
    || ', which is no archetype of archetypes.csv, nor any; correct the name' as problem
from ends
where
    not exists (
        select 1 from known
        where known.archetype = ends.archetype
    )

union all
select
    'movements.csv: from ' || from_archetype || ' to ' || to_archetype || ' stands there ' || count(*)
    || ' times; keep one' as problem
from movements
group by from_archetype, to_archetype
having count(*) > 1

union all
select
    'movements.csv: ' || movement || ' has priority ' || coalesce(priority, '(empty)')
    || '; expected a whole number' as problem
from movements
where try_cast(priority as integer) is null
