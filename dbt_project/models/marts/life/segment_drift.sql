with

month as (

    select * from {{ ref('int_period') }}

),

ages as (

    select date_diff('month', min(runs.as_of_date), any_value(month.as_of_date)) as months
    from {{ ref('int_model_runs') }} as runs
    inner join {{ ref('model_in_use') }} as in_use on runs.model_id = in_use.model_id
    cross join month

),

measured as (

    select
        measure,
        part,
        value_then,
        value_now,
        drift,
        case
            when drift >= {{ var('drift_act') | float }} then 'act'
            when drift >= {{ var('drift_watch') | float }} then 'watch'
            else 'fine'
        end as alarm
    from {{ ref('int_drift') }}
    union all
    select
        'age' as measure,
        '' as part,
        cast(null as double) as value_then,
        cast(months as double) as value_now,
        cast(null as double) as drift,
        case when months > {{ var('model_max_age') | int }} then 'watch' else 'fine' end as alarm
    from ages
    union all
    select
        'name' as measure,
        cast(segment_id as string) as part,
        cast(null as double) as value_then,
        cast(null as double) as value_now,
        cast(null as double) as drift,
        'watch' as alarm
    from {{ ref('int_segment_registry') }}
    where not name_fits

),

words as (

    select * from {{ ref('stg_rulebook__words') }}

)

select
    measured.measure,
    measured.part,
    month.as_of_date,
    measured.alarm,
    replace(
        replace(
            replace(
                replace(templates.text, '{feature}', coalesce(features.text, '')),
                '{segment}', coalesce(registry.segment_name, '')
            ),
            '{share}', coalesce({{ worded_number('measured.drift', "'share'") }}, '')
        ),
        '{months}', coalesce(cast(cast(measured.value_now as integer) as string), '')
    )
    || case when measured.measure in ('feature', 'segments') then format(' (PSI {:.2f})', measured.drift) else '' end
        as words,
    measured.drift,
    measured.value_then,
    measured.value_now
from measured
cross join month
inner join words as templates on 'drift.' || measured.measure = templates.key
left join words as features on 'feature.' || measured.part = features.key and measured.measure = 'feature'
left join {{ ref('int_segment_registry') }} as registry
    on measured.measure = 'name' and measured.part = cast(registry.segment_id as string)
