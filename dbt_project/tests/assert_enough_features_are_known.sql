-- With fewer features there is little to tell customers apart by. Before the learning: it reads the features alone.
with

features as (

    select * from {{ ref('int_customer_features') }}

),

counted as (

    select
        {% for name in feature_names() -%}
        cast(count({{ name }}) > 0 as integer){{ ' +' if not loop.last }}
        {% endfor -%}
        as known_features,
        count(*) as customers
    from features

)

select
    'The input knows ' || known_features || ' of the {{ feature_names() | length }} features, at least 5 are needed; give'
    || ' the columns that are empty: docs/input.md says which there are.' as sentence
from counted
where known_features < 5 and customers > 0
