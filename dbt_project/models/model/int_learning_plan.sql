-- Whether this build learns, and why: the written rule. What parameters ask for, the job has found (scripts/job/
-- learning_request.py); here it meets what the input knows.
with

in_use as (

    select
        model_id,
        results_format,
        unknown_features
    from {{ source('state', 'models') }}
    where used_from is not null and used_until is null

),

asked as (

    select
        nullif('{{ var("promote") }}', '') as promoted,
        -- The linter counts what stands there when compiled.
        nullif('{{ var("learn_because") | replace("'", "''") }}', '') as because, -- noqa: LT05
        {{ 'true' if var('is_asked_for') else 'false' }} as is_asked_for,
        {{ var('max_relabelled') | float }} as max_relabelled,
        {{ var('min_overlap') | float }} as min_overlap

),

judged as (

    select
        asked.*,
        in_use.model_id as model_before,
        given.unknown_features,
        case
            when in_use.model_id is null then 'there is no model yet'
            when coalesce(in_use.results_format, -1) != {{ var('results_format') }}
                then 'an earlier release learned model ' || in_use.model_id || ' and kept less of it'
            when in_use.unknown_features != given.unknown_features
                then concat(
                    'the known features are others than those of model ', in_use.model_id, ' (unknown were ',
                    coalesce(nullif(in_use.unknown_features, ''), 'none'), ', now ',
                    coalesce(nullif(given.unknown_features, ''), 'none'), ')'
                )
        end as cannot_label_because
    from {{ ref('int_input') }} as given
    cross join asked
    left join in_use on true

)

select
    model_before,
    promoted,
    unknown_features,
    promoted is null and coalesce(cannot_label_because, because) is not null as is_learning,
    cannot_label_because is null as can_label,
    is_asked_for,
    max_relabelled,
    min_overlap,
    case when promoted is null then coalesce(cannot_label_because, because) end as because
from judged
