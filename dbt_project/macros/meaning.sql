{# What can be said of a customer beside the features, for people: never part of the distance. Name,
   expression on customer_features, unit. #}
{% macro indicators() %}
    {{ return([
        ('utilisation', 'balance / nullif(credit_limit, 0)', 'share'),
        ('monthly_purchases', 'purchases / tenure', 'money'),
        ('monthly_cash_advance', 'cash_advance / tenure', 'money'),
        ('instalment_share',
         'installments_purchases / nullif(oneoff_purchases + installments_purchases, 0)', 'share'),
        ('cash_share', 'cash_advance / nullif(cash_advance + ' ~ spent() ~ ', 0)', 'share'),
        ('months_on_book', 'months_on_book', 'months'),
        ('behind_on_payments', 'cast(payments < minimum_payments as integer)', 'share'),
        ('pays_in_full', paying('prc_full_payment > 0.5 and not coalesce(payments < minimum_payments, false)'), 'share'),
        ('carries_balance', paying('prc_full_payment <= 0.5 or coalesce(payments < minimum_payments, false)'), 'share'),
        ('inactive', 'cast(' ~ is_inactive() ~ ' as integer)', 'share'),
    ]) }}
{% endmacro %}

{# What people do with their statements: each pays in full (more than half of the statements), carries a balance (those
   behind on payments among them), or is inactive. Of those to whom nothing was due it is not known. #}
{% macro paying(condition) -%}
    case
        when prc_full_payment is null then null
        when {{ is_inactive() }} then 0
        when not nothing_was_due then cast({{ condition }} as integer)
    end
{%- endmacro %}

{# Purchases, where refunds are not more than they; `greatest` would take an unknown for 0. #}
{% macro spent() -%}
    case when purchases < 0 then 0 else purchases end
{%- endmacro %}

{% macro is_inactive() -%}
    (purchases <= 0 and cash_advance = 0 and balance = 0)
{%- endmacro %}

{# The payment sides a segment may have, in the order in which they are asked: that of more than half of its customers. #}
{% macro payment_sides() %}
    {{ return(['behind_on_payments', 'pays_in_full', 'carries_balance', 'inactive']) }}
{% endmacro %}

{# Features that say the same thing in other units: only the strongest of a family is named as a trait. #}
{% macro trait_families() %}
    {{ return({
        'balance_frequency': 'balance',
        'purchases_frequency': 'purchases', 'purchases_trx': 'purchases',
        'oneoff_purchases_frequency': 'oneoff_purchases',
        'purchases_installments_frequency': 'installments_purchases',
        'cash_advance_frequency': 'cash_advance', 'cash_advance_trx': 'cash_advance',
        'minimum_payments': 'payments',
    }) }}
{% endmacro %}

{# A number in the words of the language: money and counts from ten whole, small ones with a decimal,
   shares as percent. #}
{% macro worded_number(value, unit) -%}
    case
        when {{ value }} is null then {{ word('format.unknown') }}
        when {{ unit }} = 'share'
            then replace({{ word('format.percent') }}, '{number}', {{ localised("format('{:.0f}', 100 * " ~ value ~ ")") }})
        when {{ unit }} = 'money' or abs({{ value }}) >= 100 then {{ localised("format('{:,.0f}', " ~ value ~ ")") }}
        else {{ localised("format('{:.1f}', " ~ value ~ ")") }}
    end
{%- endmacro %}

{% macro localised(formatted) -%}
    translate({{ formatted }}, ',.', {{ word('format.thousands') }} || {{ word('format.decimal') }})
{%- endmacro %}

{# A template cut into text and {placeholders}. #}
{% macro pieces_of(text) -%}
    regexp_extract_all({{ text }}, '[{][^}]*[}]|[^{]+')
{%- endmacro %}

{# One word of the language, as a scalar. #}
{% macro word(key) -%}
    (select text from {{ ref('stg_rulebook__words') }} where key = '{{ key }}')
{%- endmacro %}

{# Assumptions of the value a year, each with the unit that says how it is checked: a share of something,
   money or a count. The last column is the way that value goes when the assumption grows; 0 for neither. #}
{% macro economics_terms() %}
    {{ return([
        ('interchange_rate', 'share', 1), ('rewards_rate', 'share', -1), ('purchase_apr', 'share', 1),
        ('cash_advance_fee_rate', 'share', 1), ('late_fee', 'money', 1), ('late_fees_a_year', 'count', 1),
        ('funding_rate', 'share', -1), ('loss_rate', 'share', -1), ('servicing_cost', 'money', -1),
    ]) }}
{% endmacro %}

{# The same of what a test of a play costs and may bring. A rate is a share that is neither nothing nor all. #}
{% macro campaign_terms() %}
    {{ return([
        ('contact_cost_digital', 'money', -1), ('contact_cost_letter', 'money', -1), ('contact_cost_call', 'money', -1),
        ('base_response_rate', 'rate', 0), ('expected_uplift', 'rate', 1), ('holdout_share', 'rate', 0),
        ('value_horizon_years', 'years', 1),
    ]) }}
{% endmacro %}

{# An assumption, or nothing where it is money in another currency than that of the input: an aggregate over
   stg_rulebook__assumptions as `given`, with stg_rulebook__currency as `currency`. #}
{% macro assumed(name, kind, scenario) -%}
    max(given.{{ scenario }}_value) filter (
        where given.assumption = '{{ name }}'{{ ' and currency.is_that_of_the_assumptions' if kind == 'money' }}
    )
{%- endmacro %}

{# What of a customer's behaviour earns and costs, on customer_features. Flows over the window are brought to twelve
   months; the balance is a mean already. #}
{% macro value_drivers() %}
    {{ return({
        'yearly_purchases': spent() ~ ' * 12 / tenure',
        'revolving_balance': 'balance * (1 - prc_full_payment)',
        'yearly_cash_advances': 'cash_advance * 12 / tenure',
        'behind_share': 'cast(payments < minimum_payments as double)',
        'mean_balance': 'balance',
    }) }}
{% endmacro %}

{# What a customer yields in a year, part by part, in money; costs are negative. #}
{% macro yearly_value_parts(scenario) %}
    {% set driver = value_drivers() %}
    {{ return([
        ('interchange', driver['yearly_purchases'] ~ ' * interchange_rate_' ~ scenario),
        ('interest', driver['revolving_balance'] ~ ' * purchase_apr_' ~ scenario),
        ('cash_advance_fees', driver['yearly_cash_advances'] ~ ' * cash_advance_fee_rate_' ~ scenario),
        ('late_fees',
         'case when payments < minimum_payments then late_fee_' ~ scenario
         ~ ' * late_fees_a_year_' ~ scenario ~ ' when payments >= minimum_payments then 0 end'),
        ('rewards', '-' ~ driver['yearly_purchases'] ~ ' * rewards_rate_' ~ scenario),
        ('funding', '-balance * funding_rate_' ~ scenario),
        ('expected_loss', '-balance * loss_rate_' ~ scenario),
        ('servicing', '-servicing_cost_' ~ scenario),
    ]) }}
{% endmacro %}

{# What a lever of the playbook moves: the parts of value that grow with it. #}
{% macro levers() %}
    {{ return({
        'purchases': ['interchange', 'rewards'],
        'balance': ['interest', 'funding', 'expected_loss'],
        'cash_advance': ['cash_advance_fees'],
    }) }}
{% endmacro %}

{# What the playbook says of an archetype, each a word of the language. #}
{% macro playbook_parts() %}
    {{ return(['objective', 'offer', 'channel', 'avoid', 'success_measure', 'value_expectation']) }}
{% endmacro %}
