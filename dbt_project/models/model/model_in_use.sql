{{ config(materialized='view') }}

-- One row: the model that labels everybody in this build.
select * from {{ ref('int_models') }}
where used_from is not null and used_until is null
