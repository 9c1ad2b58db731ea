-- One row is added by each build; earlier rows are the history.
with

run as (

    {{ learned('run') }}

),

past as (

    select * from {{ source('state', 'model_runs') }}

),

this_build as (

    select
        run.model_id,
        -- Clocks are set back; this only grows.
        (select coalesce(max(past.run_number), 0) + 1 from past) as run_number,

        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as built_at,
        in_use.learned_at as trained_at,
        plan.is_learning as is_learned,
        concat(
            case when trained.is_in_use then 'learned' else 'labelled with' end,
            ' model ', run.model_id,
            case when plan.promoted is not null then ', which was promoted' end,
            case when not plan.is_learning then ', learned ' || strftime(in_use.learned_at, '%Y-%m-%d') end,
            case when not trained.is_in_use then '; learned challenger ' || trained.model_id end,
            ', since ' || plan.because || ': ' || trained.verdict
        ) as decision,
        given.as_of_date,

        given.input_fingerprint,
        '{{ var("source_kind") }}' as source_kind,
        '{{ var("input_path") | replace("'", "''") }}' as input_path,
        '{{ var("mapping_path") | replace("'", "''") }}' as mapping_path,
        {{ 'true' if var('is_sample') else 'false' }} as is_sample,
        run.scaling,
        run.representation,
        run.reason,
        run.warning,

        given.customers,
        run.customers_trained_on,
        run.k,
        run.elbow_k,
        run.seed,

        run.inertia,
        run.silhouette,
        run.stability,
        run.adjusted_rand,
        run.tree_accuracy,
        run.is_stable,
        run.seconds,

        run.details,
        given.unknown_features
    from run
    cross join {{ ref('int_input') }} as given
    cross join {{ ref('int_learning_plan') }} as plan
    cross join {{ ref('model_in_use') }} as in_use
    left join {{ ref('trained_model') }} as trained on true

)

select * from past
union all by name
select * from this_build
