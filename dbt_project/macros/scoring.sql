{# The model as SQL. model_parameters holds the numbers, of this model and of earlier ones; these macros
   write them out as expressions over the features, so that customers are scored where the data are. #}

{% macro scoring_parameters() %}
    {# The model in use: {representation, impute, scale, project, centroid}, each stage {component: {feature: value}}.

       The one place where a query reads what is built: the numbers stand in the SQL as literals, so that it is one
       query that runs elsewhere. `make scoring-sql` and lint hand them over in the var `model`. #}
    {% if var('model') %}
        {{ return(fromjson(var('model'))) }}
    {% endif %}
    {% set model = {'representation': none, 'impute': {}, 'scale': {}, 'project': {}, 'centroid': {}} %}
    {% if execute %}
        {% set query %}
            select
                run.representation, parameters.stage, parameters.component, parameters.feature,
                cast(parameters.value as string) as value
            from ({{ learned('parameters') }}) as parameters
            cross join ({{ learned('run') }}) as run
            order by
                parameters.stage, try_cast(regexp_extract(parameters.component, '[0-9]+$', 0) as integer),
                parameters.component, parameters.feature
        {% endset %}
        {% for row in run_query(query).rows %}
            {% do model.update({'representation': row[0]}) %}
            {% do model[row[1]].setdefault(row[2], {}).update({row[3]: row[4] | float}) %}
        {% endfor %}
    {% endif %}
    {{ return(model) }}
{% endmacro %}

{% macro scaled_customers(relation, model) -%}
    {# A select of customer_id and the scaled features: impute, transform where the scaling says so, and
       (value - center) / scale. #}
    {%- set scale = model['scale'] -%}
    select
        customer_id,
        {% for feature, median in model['impute'].get('median', {}).items() -%}
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
