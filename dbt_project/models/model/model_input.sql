-- What the model sees: the features and the id that names the row. The learning waits for the audit, for
-- the checks and for the rules.
-- depends_on: {{ ref('int_load_audit') }}, {{ ref('int_quality_checks') }}, {{ ref('rulebook_problems') }}
with

features as (

    select * from {{ ref('int_customer_features') }}

)

select
    {% for name in feature_names() %}
    {{ name }},
    {% endfor %}
    customer_id
from features
