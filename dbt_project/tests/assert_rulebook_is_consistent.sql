with

problems as (

    select
        problem,
        row_number() over (order by problem) as place
    from {{ ref('rulebook_problems') }}

)

select
    'dbt_project/seeds: ' || string_agg(case when place <= 3 then problem end, '; ' order by place)
    || case when count(*) > 3 then ' (' || (count(*) - 3) || ' more like these)' else '' end
    || '.' as sentence
from problems
having count(*) > 0
