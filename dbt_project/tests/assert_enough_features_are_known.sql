-- With fewer features there is little to tell customers apart by. Before the learning: it reads the features alone.
with

features as (

    select * from {{ ref('int_customer_features') }}

),

counted as (

    select
        count(*) as customers,
        {{ known_features() }} as known_features
    from features

)

select
    'The input knows ' || known_features || ' of the {{ feature_names() | length }} features, at least 5 are needed; '
    || 'give the columns that are empty: docs/input.md says which there are.' as sentence
from counted
where known_features < 5 and customers > 0
