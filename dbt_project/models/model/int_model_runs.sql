{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}

-- One row is added by each build; earlier rows are the history.
with

run as (

    {{ learned('run') }}

),

features as (

    select * from {{ ref('int_customer_features') }}

),

input as (

    -- A fingerprint that does not depend on the order of rows: the sum of the rows' hashes.
    select
        count(*) as customers,
        md5(cast(sum(cast(md5_number_lower(cast(to_json(features) as varchar)) as hugeint)) as varchar))
            as input_fingerprint,
        concat_ws(
            ', ',
            {% for name in feature_names() -%}
            case when count({{ name }}) = 0 then '{{ name }}' end{{ ',' if not loop.last }}
            {% endfor -%}
        ) as unknown_features
    from features

)

select
    run.model_id,
    -- Clocks are set back; this only grows.
    {% if is_incremental() -%}
    (select coalesce(max(past.run_number), 0) + 1 from {{ this }} as past)
    {%- else -%}
    cast(1 as bigint)
    {%- endif %} as run_number,

    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as trained_at,

    input.input_fingerprint,
    '{{ var("source_kind") }}' as source_kind,
    '{{ var("input_path") | replace("'", "''") }}' as input_path,
    '{{ var("mapping_path") | replace("'", "''") }}' as mapping_path,
    {{ 'true' if var('is_sample') else 'false' }} as is_sample,
    run.scaling,
    run.representation,
    run.reason,
    run.warning,

    input.customers,
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
    input.unknown_features
from run
cross join input
