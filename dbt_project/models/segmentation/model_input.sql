{{ config(materialized='view') }}

-- What the model sees: the features and the id that names the row. The learning waits for the audit and
-- for the rules.
-- depends_on: {{ ref('load_audit') }}, {{ ref('rulebook_problems') }}
with

features as (

    select * from {{ ref('customer_features') }}

)

select * exclude (as_of_date, nothing_was_due) from features
