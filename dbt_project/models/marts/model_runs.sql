{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}

-- One row is added by each build; earlier rows are the history.
with

runs as (

    select payload from {{ ref('trained_model') }}
    where record = 'run'

),

features as (

    select * from {{ ref('customer_features') }}

),

input as (

    -- A fingerprint that does not depend on the order of rows: the sum of the rows' hashes.
    select
        count(*) as customers,
        md5(cast(sum(cast(md5_number_lower(cast(to_json(features) as varchar)) as hugeint)) as varchar))
            as input_fingerprint
    from features

)

select
    runs.payload ->> 'model_id' as model_id,

    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as trained_at,

    input.input_fingerprint,
    '{{ var("source_kind") }}' as source_kind,
    runs.payload ->> 'scaling' as scaling,
    runs.payload ->> 'representation' as representation,
    runs.payload ->> 'reason' as reason,
    runs.payload ->> 'warning' as warning,

    input.customers,
    cast(runs.payload ->> 'rows_trained' as bigint) as customers_trained_on,
    cast(runs.payload ->> 'k' as integer) as k,
    cast(runs.payload ->> 'elbow_k' as integer) as elbow_k,
    cast(runs.payload ->> 'seed' as bigint) as seed,

    cast(runs.payload ->> 'inertia' as double) as inertia,
    cast(runs.payload ->> 'silhouette' as double) as silhouette,
    cast(runs.payload ->> 'stability' as double) as stability,
    cast(runs.payload ->> 'adjusted_rand' as double) as adjusted_rand,
    cast(runs.payload ->> 'tree_accuracy' as double) as tree_accuracy,
    cast(runs.payload ->> 'is_stable' as boolean) as is_stable,
    {{ learning_seconds('runs.payload') }} as seconds,

    cast(runs.payload as varchar) as details
from runs
cross join input
