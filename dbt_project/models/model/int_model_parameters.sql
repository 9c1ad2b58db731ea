{{ config(materialized='view') }}

-- Of earlier models too: each can be shown as SQL and run again.
select unnest(parameters, recursive := true) from {{ ref('int_models') }}
