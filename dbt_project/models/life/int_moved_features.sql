{% set trained = scoring_parameters() %}

-- What changed in those who moved by themselves: their features in the month before and now, the greatest change
-- first, as the model in use scales them.
-- depends_on: {{ ref('model_in_use') }}
with

movers as (

    select customer_id from {{ ref('int_customer_transitions') }}
    where cause = 'behaviour'

),

movers_before as (

    select earlier.*
    from {{ ref('int_customers_before') }} as earlier
    inner join movers on earlier.customer_id = movers.customer_id

),

movers_now as (

    select later.*
    from {{ ref('model_input') }} as later
    inner join movers_before on later.customer_id = movers_before.customer_id

),

scaled_before as (

    {{ scaled_customers('movers_before', trained) }}

),

scaled_now as (

    {{ scaled_customers('movers_now', trained) }}

),

changes as (

    {% for name in feature_names() -%}
    select
        later.customer_id,
        '{{ name }}' as feature,
        earlier.{{ name }} as value_before,
        later.{{ name }} as value_after,
        scaled_now.{{ name }} - scaled_before.{{ name }} as scaled_change
    from movers_now as later
    inner join movers_before as earlier on later.customer_id = earlier.customer_id
    inner join scaled_now on later.customer_id = scaled_now.customer_id
    inner join scaled_before on later.customer_id = scaled_before.customer_id
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by abs(scaled_change) desc, feature asc) as place
    from changes
    where scaled_change != 0

)

select * from ranked
where place <= 3
