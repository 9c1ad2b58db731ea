-- The archetype of each segment: of those whose every condition holds, the one with the lowest priority
-- number. No row of the seeds counts by its place.
with

statistics as (

    {% for statistic in ('mean', 'median', 'users_share', 'mean_ratio') -%}
    select
        segment_id,
        feature,
        '{{ statistic }}' as statistic,
        {{ statistic }} as value
    from {{ ref('segment_statistics') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

conditions as (

    select * from {{ ref('stg_rulebook__conditions') }}

),

judged as (

    select
        statistics.segment_id,
        conditions.archetype,
        bool_and(
            statistics.value > coalesce(conditions.lower_bound, cast('-inf' as double))
            and statistics.value < coalesce(conditions.upper_bound, cast('inf' as double))
        ) as holds,
        count(statistics.value) as conditions_seen
    from conditions
    inner join statistics
        on conditions.feature = statistics.feature and conditions.statistic = statistics.statistic
    group by statistics.segment_id, conditions.archetype

),

-- A statistic without a value (a limit nobody has) is no evidence: all conditions must have been seen.
matching as (

    select
        judged.segment_id,
        judged.archetype,
        try_cast(archetypes.priority as integer) as priority
    from judged
    inner join {{ ref('archetypes') }} as archetypes on judged.archetype = archetypes.archetype
    where
        judged.holds
        and judged.conditions_seen = (
            select count(*) from conditions
            where conditions.archetype = judged.archetype
        )

),

first_match as (

    select
        segment_id,
        min_by(archetype, priority) as archetype
    from matching
    group by segment_id

)

select
    segments.segment_id,
    coalesce(first_match.archetype, 'none') as archetype
from (select distinct segment_id from {{ ref('segment_statistics') }}) as segments
left join first_match on segments.segment_id = first_match.segment_id
