{% set trained = scoring_parameters() %}
{% set centroids = trained['centroid'] %}
{% set segments = centroids.keys() | list %}
{% set dimensions = centroids.values() | first | default({}, true) %}
{% set has_codes = 'ae_1' in dimensions %}

-- Scores every customer where the data are; nothing is fetched. Ties go to the lower segment id.
-- depends_on: {{ ref('model_in_use') }} {{ ref('customer_codes') }}
with

scaled as (

    {{ scaled_customers(ref('model_input'), trained) }}

),

projected as (

    select
        {% if has_codes %}
        {% for code in dimensions %}
        codes.{{ code }},
        {% endfor %}
        {% endif %}
        {% for component, weights in trained['project'].items() %}
        {{ linear(weights, weights['(intercept)']) }} as {{ component }},
        {% endfor %}
        -- The linter takes a star for a name without its table.
        scaled.* -- noqa: RF02
    from scaled
    {% if has_codes %}
    inner join {{ ref('customer_codes') }} as codes
        on scaled.customer_id = codes.customer_id and codes.autoencoder = '{{ trained['representation'] }}'
    {% endif %}

),

-- |c|^2 - 2 c.z for each segment, and |z|^2, on which no choice hangs.
measured as (

    select
        customer_id,
        pca_1,
        pca_2,
        {% for segment, centroid in centroids.items() %}
        {{ linear(negative_double(centroid), squared_norm(centroid)) }} as relative_{{ segment }},
        {% endfor %}
        {{ sum_of_squares(dimensions) }} as squared_norm
    from projected

),

nearest as (

    select
        *,
        least(
            {% for s in segments %}
            relative_{{ s }}{{ ',' if not loop.last }}
            {% endfor %}
        ) as nearest_relative,
        case
            {% for s in segments %}
            when relative_{{ s }} = nearest_relative then {{ s }}
            {% endfor %}
        end as segment_id
    from measured

),

runner_up as (

    select
        *,
        least(
            {% for s in segments %}
            case when segment_id != {{ s }} then relative_{{ s }} end{{ ',' if not loop.last }}
            {% endfor %}
        ) as second_relative,
        case
            {% for s in segments %}
            when segment_id != {{ s }} and relative_{{ s }} = second_relative then {{ s }}
            {% endfor %}
        end as runner_up_segment_id,
        -- Rounding can leave a tiny negative number where a customer sits on the centroid.
        sqrt(greatest(squared_norm + nearest_relative, 0)) as distance_to_centroid,
        sqrt(greatest(squared_norm + second_relative, 0)) as distance_to_runner_up
    from nearest

)

select
    customer_id,
    cast(segment_id as integer) as segment_id,
    cast(runner_up_segment_id as integer) as runner_up_segment_id,

    distance_to_centroid,
    distance_to_runner_up,
    pca_1,
    pca_2
from runner_up
