{# The model as one SQL expression. Imputation, scaling and projection are linear, so each squared
   distance to a centroid c is |z|^2 + |c|^2 - 2 c.z, where z = P((x - center) / scale) + intercept:
   one sum of products over the raw features a segment, with everything else folded into constants. #}

{% macro model_values(stage) %}
    {# {component: {feature: value}} of one stage of model_parameters. Before that is built, as when lint
       compiles a fresh clone, a stand-in of one feature keeps the SQL whole. #}
    {% if not execute or not load_relation(ref('model_parameters')) %}
        {{ return({
            'impute': {'median': {'balance': 0}},
            'scale': {'center': {'balance': 0}, 'scale': {'balance': 1}},
            'project': {'pca_1': {'(intercept)': 0, 'balance': 1}, 'pca_2': {'(intercept)': 0, 'balance': 1}},
            'centroid': {'1': {'balance': 0}, '2': {'balance': 1}},
        }[stage]) }}
    {% endif %}
    {% set values = {} %}
    {% set query %}
        select component, feature, cast(value as varchar) as value
        from {{ ref('model_parameters') }}
        where stage = '{{ stage }}'
        order by try_cast(regexp_extract(component, '[0-9]+$') as integer), component, feature
    {% endset %}
    {% for row in run_query(query).rows %}
        {% do values.setdefault(row[0], {}).update({row[1]: row[2] | float}) %}
    {% endfor %}
    {{ return(values) }}
{% endmacro %}

{% macro folded_linear(weights, constant, scale) -%}
    {# sum of weights over scaled features + constant, written over raw features: {terms, constant}. #}
    {% set folded = {'constant': constant} %}
    {% set terms = [] %}
    {% for feature, weight in weights.items() %}
        {% set raw_weight = weight / scale['scale'][feature] %}
        {% do terms.append(as_double(raw_weight) ~ ' * imputed.' ~ feature) %}
        {% do folded.update({'constant': folded['constant'] - raw_weight * scale['center'][feature]}) %}
    {% endfor %}
    {{ return((terms + [as_double(folded['constant'])]) | join(' + ')) }}
{%- endmacro %}

{% macro representation_is_pca(centroids) %}
    {{ return('pca_1' in centroids.get('1', {})) }}
{% endmacro %}

{% macro without_intercept(weights) %}
    {% set kept = {} %}
    {% for feature, value in weights.items() if feature != '(intercept)' %}
        {% do kept.update({feature: value}) %}
    {% endfor %}
    {{ return(kept) }}
{% endmacro %}

{% macro negative_double(weights) %}
    {% set doubled = {} %}
    {% for feature, value in weights.items() %}
        {% do doubled.update({feature: -2 * value}) %}
    {% endfor %}
    {{ return(doubled) }}
{% endmacro %}

{% macro squared_norm(weights) %}
    {% set total = namespace(value=0.0) %}
    {% for value in weights.values() %}
        {% set total.value = total.value + value * value %}
    {% endfor %}
    {{ return(total.value) }}
{% endmacro %}

{% macro sum_of_squares(weights) -%}
    {% for component in weights %}{{ component }} * {{ component }}{{ ' + ' if not loop.last }}{% else %}0{% endfor %}
{%- endmacro %}

{% macro as_double(number) %}
    {# A literal that DuckDB reads as DOUBLE, not DECIMAL, to the last bit. #}
    {% set text = number | string %}
    {{ return('(' ~ text ~ ('' if 'e' in text else 'e0') ~ ')') }}
{% endmacro %}
