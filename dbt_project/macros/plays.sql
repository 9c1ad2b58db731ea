{# Ways of reaching a customer; each has its cost in the assumptions (contact_cost_<kind>). #}
{% macro contact_kinds() %}
    {{ return(['digital', 'letter', 'call']) }}
{% endmacro %}

{# Customers in both arms together that a test of two proportions needs to show an uplift with power 0.8 at a two-sided
   level of 0.05: the usual normal approximation, with the pooled variance where there is no effect (the formula behind
   customers_needed in scripts/base/statistics.py, without its search). 1.959964 and 0.841621 are the normal quantiles
   of 0.975 and 0.8. #}
{% macro customers_to_show(uplift, base_rate, holdout) -%}
    {% set pooled = '(' ~ base_rate ~ ' + ' ~ uplift ~ ' * (1 - ' ~ holdout ~ '))' -%}
    {% set treated = '(' ~ base_rate ~ ' + ' ~ uplift ~ ')' -%}
    pow(
        (
            1.959964 * sqrt({{ pooled }} * (1 - {{ pooled }}) * (1 / (1 - {{ holdout }}) + 1 / {{ holdout }}))
            + 0.841621 * sqrt(
                {{ treated }} * (1 - {{ treated }}) / (1 - {{ holdout }}) + {{ base_rate }} * (1 - {{ base_rate }}) / {{ holdout }}
            )
        ) / {{ uplift }}, 2
    )
{%- endmacro %}

{# An amount in words: with cents where it is small. #}
{% macro worded_amount(amount) -%}
    currency || ' ' || case
        when abs({{ amount }}) < 10 then {{ localised("format('{:,.2f}', " ~ amount ~ ")") }}
        else {{ localised("format('{:,.0f}', " ~ amount ~ ")") }}
    end
{%- endmacro %}

{# Points in words: a share as a number of hundredths, to one decimal, two where it is below one. #}
{% macro worded_points(share) -%}
    case
        when {{ share }} < 0.01 then {{ localised("format('{:.2f}', 100 * " ~ share ~ ")") }}
        else {{ localised("format('{:.1f}', 100 * " ~ share ~ ")") }}
    end
{%- endmacro %}

{# A template with its {placeholders} replaced; what is unknown says so. #}
{% macro filled(template, said) -%}
    {{ 'replace(' * (said | length) }}{{ template }}
    {%- for name, text in said.items() -%}
    , '{{ '{' ~ name ~ '}' }}', coalesce({{ text }}, {{ word('format.unknown') }}))
    {%- endfor -%}
{%- endmacro %}
