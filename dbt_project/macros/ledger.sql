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

{% macro code_of_text(text) -%}
    {# The same of a long expression, which stands in it once. #}
    cast({{ place_among(transaction_types(), text) }} as tinyint)
{%- endmacro %}

{% macro transaction_type(code) -%}
    {# The type of a code. #}
    case {{ code }}
        {%- for type in transaction_types() %} when {{ loop.index0 }} then '{{ type }}'{% endfor %} end
{%- endmacro %}

{% macro beside_period(relation) -%}
    {# Rows of a relation with the window's first and last day, window_starts_on and as_of_date, beside each. #}
    select
        dated.*,
        period.*
    from {{ relation }} as dated
    cross join {{ ref('int_ledger_period') }} as period
{%- endmacro %}

{% macro month_index(date_column) -%}
    {# Whole months since the window's first month: 0 to 11 inside the window. #}
    12 * (year({{ date_column }}) - year(window_starts_on))
    + month({{ date_column }}) - month(window_starts_on)
{%- endmacro %}

{% macro statements_are_absent() %}
    {{ return(var('spellings').get('statements.absent', '') != '') }}
{% endmacro %}

{% macro balances_may_come_from(relation, column) %}
    {# Whether a column that the input need not have can tell balances: where there are no statements. #}
    {{ return(statements_are_absent() and has_column(relation, column)) }}
{% endmacro %}

{% macro once_a_month(total, months, statements) -%}
    {# A sum over statements as if there were one in each of their months; months: bits. #}
    coalesce(
        case
            when bit_count({{ months }}) = {{ statements }} then cast({{ total }} as decimal(38, 6))
            else cast(cast({{ total }} as double) * bit_count({{ months }}) / {{ statements }} as decimal(38, 6))
        end,
        0
    )
{%- endmacro %}

{% macro has_too_few(rows) -%}
    {# Rows of a month against what is usual for the accounts open in it: none, or under a third. #}
    coalesce(
        ({{ rows }} = 0 and usual_{{ rows }} >= 10) or (3 * {{ rows }} < usual_{{ rows }} and usual_{{ rows }} >= 30),
        false
    )
{%- endmacro %}

{% macro lies_ahead(date_column) -%}
    {# A date after the ledger's last month cannot be, unless AS_OF asks for an earlier window. #}
    {{ 'false' if var('as_of') else date_column ~ ' > coalesce(unfinished_until, as_of_date)' }}
{%- endmacro %}

{% macro lies_outside(date_column) -%}
    {# History that no feature uses, or what came after the window: in an unfinished month, or behind AS_OF. #}
    ({{ date_column }} < window_starts_on or (
        {{ date_column }} > as_of_date and not {{ lies_ahead(date_column) }}
    ))
{%- endmacro %}

{% macro in_open_months(months, times=1) -%}
    {# Bits of months as far as the account was open and the ledger covers them; times: kinds of activity, 12 bits each. #}
    (coalesce({{ months }}, 0) & ({% for kind in range(times) %}(open_months << {{ 12 * kind }}){{ ' | ' if not loop.last }}{% endfor %}))
{%- endmacro %}

{# Refused rows of the transactions or the statements, each with its reason: by itself in staging, for its date,
   because its account is not among the accepted ones, or because its key stands in another row, which was kept.

   A table without such rows is not scanned for them: the totals say whether it has any.
   entity: transactions or statements. measure, amount: SQL of what the row adds to the audit.
   used: the relation, by account, of the rows that the features use. #}
{% macro refused_rows(entity, date_column, measure, amount, used) -%}
    {%- set losers = ref('int_ledger_duplicate_' ~ entity) -%}
    {%- set unknown_accounts -%}
        select account_id from {{ used }} as used
        where not exists (
            select 1 from {{ ref('int_ledger_accounts') }} as accounts where accounts.account_id = used.account_id
        )
    {%- endset -%}
    select
        '{{ entity }}' as source,
        rows_in.file,
        rows_in.row_number,
        rows_in.raw_row,
        case
            when rows_in.rejection_reason is not null then rows_in.rejection_reason
            when {{ lies_ahead('rows_in.' ~ date_column) }}
                then '{{ date_column }} lies after the last day of the window, ' || as_of_date
            else 'account_id is not among the accepted accounts open in the window'
        end as reason,
        {{ measure }} as measure,
        {{ amount }} as amount,
        true as counts_as_error
    from ({{ beside_period(ref('stg_ledger__' ~ entity)) }}) as rows_in
    where
        (
            {% if may_have_refused(ref('int_ledger_control_totals'), entity) %}
            rows_in.rejection_reason is not null
            or {{ lies_ahead('rows_in.' ~ date_column) }}
            {% else %}
            false
            {% endif %}
            {% if may_find_rows(unknown_accounts, [used, ref('int_ledger_accounts')]) %}
            or (
                rows_in.{{ date_column }} >= window_starts_on
                and rows_in.account_id in ({{ unknown_accounts }})
            )
            {% endif %}
        )
        {% if may_have_rows(losers) %}
        and not exists (
            select 1 from {{ losers }} as losers
            where
                losers.duplicate_rank > 1
                and losers.file = rows_in.file
                and losers.row_number = rows_in.row_number
        )
        {% endif %}
    union all
    select
        '{{ entity }}' as source,
        file,
        row_number,
        raw_row,
        'the same key stands in another row as well, which was kept' as reason,
        {{ measure }} as measure,
        {{ amount }} as amount,
        true as counts_as_error
    from {{ losers }}
    where duplicate_rank > 1
{%- endmacro %}

{# False where the totals say that no row of a table is refused by itself; judging each row again costs a
   third of a scan. #}
{% macro may_have_refused(totals, entity) %}
    {{ return(may_find_rows(
        'select 1 from ' ~ totals ~ " where rows_refused > 0 and source = '" ~ entity ~ "'", [totals]
    )) }}
{% endmacro %}
