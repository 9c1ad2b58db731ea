select * from {{ ref('int_model_parameters') }}
