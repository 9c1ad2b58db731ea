-- The archetype of each segment. A segment keeps the one it was given; a new one gets, of those whose every condition
-- holds, the one with the lowest priority number, and so does one whose archetype no longer fits once a new model comes
-- into use, and every segment where RENAME asks for it. No row of the seeds counts by its place.
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

),

kept as (

    -- Of an archetype that the seeds no longer have nothing can be kept.
    select
        registry.segment_id,
        registry.archetype,
        registry.qualifier,
        registry.name_language,
        registry.segment_name
    from {{ source('state', 'segment_registry') }} as registry
    where
        not {{ 'true' if var('rename') else 'false' }}
        and (
            registry.archetype = 'none'
            or registry.archetype in (select archetypes.archetype from {{ ref('archetypes') }} as archetypes)
        )

),

segments as (

    select distinct segment_id from {{ ref('segment_statistics') }}

),

compared as (

    select
        segments.segment_id,
        coalesce(first_match.archetype, 'none') as fitting,
        kept.archetype as kept_archetype,
        kept.qualifier,
        kept.name_language,
        kept.segment_name as name_before,
        coalesce(kept.archetype = 'none' or matching.archetype is not null, false) as fits,
        in_use.is_new
    from segments
    cross join {{ ref('model_in_use') }} as in_use
    left join first_match on segments.segment_id = first_match.segment_id
    left join kept on segments.segment_id = kept.segment_id
    left join matching on kept.segment_id = matching.segment_id and kept.archetype = matching.archetype

)

select
    segment_id,
    case when kept_archetype is null or (is_new and not fits) then fitting else kept_archetype end as archetype,
    kept_archetype is not null and (fits or not is_new) as is_kept,
    kept_archetype is null or fits or is_new as fits,
    -- What told it apart from others of its archetype, in the words of that language.
    qualifier as kept_qualifier,
    name_language as kept_language,
    name_before
from compared
