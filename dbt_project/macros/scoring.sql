{# The model as SQL. model_parameters holds the numbers, of this model and of earlier ones; these macros
   write them out as expressions over the features, so that customers are scored where the data are. #}

{% macro model_values(stage) %}
    {# {component: {feature: value}} of one stage of one model. Before there is any, as when lint compiles a
       fresh clone, a stand-in of one feature keeps the SQL whole. #}
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
        where stage = '{{ stage }}' and model_id = {{ model_in_use() }}
        order by try_cast(regexp_extract(component, '[0-9]+$') as integer), component, feature
    {% endset %}
    {% for row in run_query(query).rows %}
        {% do values.setdefault(row[0], {}).update({row[1]: row[2] | float}) %}
    {% endfor %}
    {{ return(values) }}
{% endmacro %}

{% macro model_in_use() %}
    {# SQL of the id of the model whose labels are computed. #}
    {% if var('model') %}
        {{ return("'" ~ var('model') | replace("'", "''") ~ "'") }}
    {% endif %}
    {{ return("(select payload ->> 'model_id' from " ~ ref('trained_model') ~ " where record = 'run')") }}
{% endmacro %}

{% macro scaled_customers(relation) -%}
    {# A select of customer_id and the scaled features: impute, transform where the scaling says so, and
       (value - center) / scale. #}
    {%- set impute, scale = model_values('impute'), model_values('scale') -%}
    select
        customer_id,
        {% for feature, median in impute.get('median', {}).items() -%}
        ({{ transformed('coalesce(' ~ feature ~ ', ' ~ as_double(median) ~ ')', feature, scale) }}
            - {{ as_double(scale['center'][feature]) }}) / {{ as_double(scale['scale'][feature]) }} as {{ feature }}
            {{- ',' if not loop.last }}
        {% endfor -%}
    from {{ relation }}
{%- endmacro %}

{% macro transformed(value, feature, scale) %}
    {# What comes before centre and scale: see python_models/scaling.py. #}
    {% if scale.get('log', {}).get(feature, 0) == 1 %}
        {{ return('sign(' ~ value ~ ') * ln(1 + abs(' ~ value ~ ') / ' ~ as_double(scale['unit'][feature]) ~ ')') }}
    {% elif 'knot_00' in scale %}
        {{ return(share_below(value, feature, scale)) }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}

{% macro share_below(value, feature, scale) %}
    {# The share of customers at or below a value: the mean over neighbouring knots of a ramp from 0 to 1, or
       of a step whose middle is 1/2 where both knots are the same. #}
    {% set knots = [] %}
    {% for component, values in scale.items() if component.startswith('knot_') %}
        {% do knots.append(values[feature]) %}
    {% endfor %}
    {% set terms = [] %}
    {% for high in knots[1:] %}
        {% set low = knots[loop.index0] %}
        {% if high > low %}
            {% do terms.append(
                'least(greatest((' ~ value ~ ' - ' ~ as_double(low) ~ ') / ' ~ as_double(high - low) ~ ', 0), 1)'
            ) %}
        {% else %}
            {% do terms.append(
                'case when ' ~ value ~ ' > ' ~ as_double(low) ~ ' then 1 when ' ~ value ~ ' < ' ~ as_double(low)
                ~ ' then 0 else 0.5e0 end'
            ) %}
        {% endif %}
    {% endfor %}
    {{ return('(' ~ terms | join(' + ') ~ ') / ' ~ as_double(terms | length)) }}
{% endmacro %}

{% macro linear(weights, constant) -%}
    {# Sum of weights over columns + constant. #}
    {{ as_double(constant) }}
    {%- for column, weight in weights.items() if column != '(intercept)' %}
        + {{ as_double(weight) }} * {{ column }}
    {%- endfor -%}
{%- endmacro %}

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

{% macro representation_in_use() %}
    {# Name of what KMeans saw: scaled, pca, or an autoencoder. #}
    {% if execute and load_relation(ref('trained_model')) %}
        {{ return(run_query(
            "select payload ->> 'representation' from " ~ ref('trained_model') ~ " where record = 'run'"
        ).rows[0][0]) }}
    {% endif %}
    {{ return('scaled') }}
{% endmacro %}

{% macro rules_in_use() %}
    {# [(segment, [(rule, predicate)])] of the rules that describe the model's segments; rule 0 is all of a
       segment's rules together. Before there is a model, a stand-in keeps the SQL whole. #}
    {% if not execute or not load_relation(ref('rule_conditions')) %}
        {{ return([(1, [(0, 'balance > 0')])]) }}
    {% endif %}
    {% set query %}
        select segment_id, rule, string_agg(predicate, ' and ' order by condition) as predicate
        from {{ ref('rule_conditions') }}
        group by segment_id, rule
        order by segment_id, rule
    {% endset %}
    {% set segments = {} %}
    {% for row in run_query(query).rows %}
        {% do segments.setdefault(row[0] | int, []).append((row[1] | int, row[2])) %}
    {% endfor %}
    {% set found = [] %}
    {% for segment, rules in segments.items() %}
        {% set all_of_it = rules[0][1] if rules | length == 1 else '(' ~ rules | map('last') | join(') or (') ~ ')' %}
        {% do found.append((segment, [(0, all_of_it)] + rules)) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
