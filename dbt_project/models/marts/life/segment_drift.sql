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
        feature,
        value_then,
        value_now,
        drift,
        measure in ('month', 'month_of_segment') as is_of_month,
        case
            -- However large, what chance does is no drift.
            when drift <= chance then 'fine'
            {% for alarm in ['act', 'watch'] -%}
            when is_of_month and drift >= {{ var('month_' ~ alarm) | float }} then '{{ alarm }}'
            when not is_of_month and drift >= {{ var('drift_' ~ alarm) | float }} then '{{ alarm }}'
            {% endfor -%}
            else 'fine'
        end as alarm
    from {{ ref('int_drift') }}
    union all
    select
        'age' as measure,
        '' as part,
        cast(null as string) as feature,
        cast(null as double) as value_then,
        cast(months as double) as value_now,
        cast(null as double) as drift,
        false as is_of_month,
        case when months > {{ var('model_max_age') | int }} then 'watch' else 'fine' end as alarm
    from ages
    union all
    select
        'name' as measure,
        cast(segment_id as string) as part,
        cast(null as string) as feature,
        cast(null as double) as value_then,
        cast(null as double) as value_now,
        cast(null as double) as drift,
        false as is_of_month,
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
inner join words as templates
    on
        'drift.' || measured.measure
        || case
            when not measured.is_of_month then ''
            when measured.value_now < measured.value_then then '.less'
            else '.more'
        end
        = templates.key
left join words as features on 'feature.' || measured.feature = features.key
left join {{ ref('int_segment_registry') }} as registry
    on measured.measure in ('name', 'month_of_segment') and measured.part = cast(registry.segment_id as string)
