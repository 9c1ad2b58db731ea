{% set impute = model_values('impute') %}
{% set scale = model_values('scale') %}
{% set projection = model_values('project') %}
{% set centroids = model_values('centroid') %}
{% set segments = centroids.keys() | list %}
{% set projected = representation_is_pca(centroids) %}

-- Scores every customer where the data are; nothing is fetched. Ties go to the lower segment id.
-- depends_on: {{ ref('model_parameters') }}
with

imputed as (

    select
        {% for feature, value in impute.get('median', {}).items() %}
        coalesce({{ feature }}, {{ as_double(value) }}) as {{ feature }},
        {% endfor %}
        customer_id
    from {{ ref('model_input') }}

),

-- |c|^2 - 2 c.z for each segment, and |z|^2, on which no choice hangs.
measured as (

    select
        imputed.customer_id,

        {% for component, weights in projection.items() %}
        {{ folded_linear(without_intercept(weights), weights['(intercept)'], scale) }} as {{ component }},
        {% endfor %}
        {% if projected %}
        {% for segment, centroid in centroids.items() %}
        {{ as_double(squared_norm(centroid)) }}
        {% for component, value in centroid.items() %}
        + {{ as_double(-2 * value) }} * {{ component }}
        {% endfor %} as relative_{{ segment }},
        {% endfor %}
        {{ sum_of_squares(centroids['1']) }} as squared_norm
        {% else %}
        {% for segment, centroid in centroids.items() %}
        {{ folded_linear(negative_double(centroid), squared_norm(centroid), scale) }}
            as relative_{{ segment }},
        {% endfor %}
        0
        {% for feature in impute.get('median', {}) %}
        {% set center, spread = as_double(scale['center'][feature]), as_double(scale['scale'][feature]) %}
        + power((imputed.{{ feature }} - {{ center }}) / {{ spread }}, 2)
        {% endfor %} as squared_norm
        {% endif %}
    from imputed

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
