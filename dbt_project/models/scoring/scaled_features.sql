{{ config(materialized='view') }}

-- Every customer as the model sees it. The encoders of autoencoders read it; the scores compute the same
-- again, to be one query that can be run elsewhere.
-- depends_on: {{ ref('model_in_use') }}
with

scaled as (

    {{ scaled_customers(ref('model_input'), scoring_parameters()) }}

)

select * from scaled
