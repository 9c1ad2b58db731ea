{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='model_id',
    on_schema_change='append_new_columns',
) }}

-- The models of earlier builds stay: each can be shown as SQL and run again.
{{ learned('parameters') }}
