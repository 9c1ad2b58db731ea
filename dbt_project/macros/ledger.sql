{# What the ledger's models share: the kinds of transaction and the window. #}

{% macro transaction_types() %}
    {# The types of the input contract; their place in the list is the code the scan works with. #}
    {{ return([
        'oneoff_purchase', 'installment_purchase', 'cash_advance', 'payment',
        'refund', 'payment_reversal', 'fee', 'interest',
    ]) }}
{% endmacro %}

{% macro transaction_code(column) -%}
    cast(case {{ column }}
        {%- for type in transaction_types() %} when '{{ type }}' then {{ loop.index0 }}{% endfor %} end as tinyint)
{%- endmacro %}

{% macro ledger_window() %}
    {# First and last day of the window as SQL literals, so that a scan can skip what lies outside. #}
    {% set window = {'starts_on': "date '2025-01-01'", 'ends_on': "date '2025-12-31'"} %}
    {% if execute and load_relation(ref('int_ledger_period')) %}
        {% set found = run_query('select window_starts_on, as_of_date from ' ~ ref('int_ledger_period')) %}
        {% if found.rows | length == 1 and found.rows[0][1] is not none %}
            {% set window = {
                'starts_on': "date '" ~ found.rows[0][0] ~ "'", 'ends_on': "date '" ~ found.rows[0][1] ~ "'"
            } %}
        {% endif %}
    {% endif %}
    {{ return(window) }}
{% endmacro %}

{% macro month_index(date_column, window) -%}
    {# Whole months since the window's first month: 0 to 11 inside the window. #}
    datediff('month', {{ window.starts_on }}, {{ date_column }})
{%- endmacro %}

{% macro lies_ahead(date_column, window) -%}
    {# A date after the window cannot be, unless AS_OF asks for an earlier window than the ledger's last. #}
    {{ 'false' if var('as_of') else date_column ~ ' > ' ~ window.ends_on }}
{%- endmacro %}

{% macro lies_outside(date_column, window) -%}
    {# History that no feature uses, or what came after an AS_OF that was asked for. #}
    ({{ date_column }} < {{ window.starts_on }}
    {%- if var('as_of') %} or {{ date_column }} > {{ window.ends_on }}{% endif %})
{%- endmacro %}

{# False where the totals say that no row of a table is refused by itself; judging each row again costs a
   third of a scan. #}
{% macro may_have_refused(totals, entity) %}
    {{ return(may_find_rows(
        'select 1 from ' ~ totals ~ " where rows_refused > 0 and source = '" ~ entity ~ "'", [totals]
    )) }}
{% endmacro %}
