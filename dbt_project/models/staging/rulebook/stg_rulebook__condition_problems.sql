{% set statistics = ['mean', 'median', 'users_share', 'mean_ratio'] %}
{% set measured = feature_names() + (indicators() | map('first') | list) %}

with

archetypes as (

    select * from {{ ref('archetypes') }}

),

conditions as (

    select * from {{ ref('stg_rulebook__conditions') }}

),

condition_sets as (

    select
        archetype,
        string_agg(
            concat_ws(' ', feature, statistic, coalesce(above, ''), coalesce(below, '')), '; '
            order by feature, statistic
        ) as condition_set
    from conditions
    group by archetype

)

select distinct conditions.place || ': no such archetype in archetypes.csv; add it there or correct the name' as problem
from conditions
where
    not exists (
        select 1 from archetypes
        where archetypes.archetype = conditions.archetype
    )

union all
select place || ': no such feature; known are {{ measured | join(", ") }}' as problem
from conditions
where feature not in ('{{ measured | join("', '") }}')

union all
select place || ': no such statistic; known are {{ statistics | join(", ") }}' as problem
from conditions
where statistic not in ('{{ statistics | join("', '") }}')

union all
select
    place || ': above is ' || coalesce(above, 'empty') || ' and below is ' || coalesce(below, 'empty')
    || '; expected a number in one of them or both' as problem
from conditions
where
    (lower_bound is null and above is not null)
    or (upper_bound is null and below is not null)
    or (above is null and below is null)

union all
select
    place || ': nothing is above ' || above || ' and below ' || below
    || ', so the archetype can never be given; mend the bounds' as problem
from conditions
where lower_bound >= upper_bound

union all
select place || ' stands there ' || count(*) || ' times; put both bounds into one row' as problem
from conditions
group by place
having count(*) > 1

union all
select
    'archetype_conditions.csv: ' || string_agg(archetype, ' and ' order by archetype)
    || ' have the very same conditions, so only one can ever be given; tell them apart' as problem
from condition_sets
group by condition_set
having count(*) > 1
