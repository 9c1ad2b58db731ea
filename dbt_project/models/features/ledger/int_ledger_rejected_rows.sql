{% set window = ledger_window() %}

-- Every refused row of the ledger with its reason: refused by itself in staging, as a duplicate, for its
-- date, or because its account is not among the accepted ones.
-- A table without such rows is not scanned for them: the totals say whether it has any.
-- depends_on: {{ ref('int_ledger_period') }} {{ ref('int_ledger_control_totals') }}
-- depends_on: {{ ref('int_ledger_account_activity') }} {{ ref('int_ledger_account_statements') }}
with

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

),

{% set accounts = ref('int_ledger_accounts') %}
{% for entity, date_column, measure, amount, reference in [
    (
        'transactions',
        'posted_on',
        "coalesce(case when type_code is not null then transaction_type end, 'unknown')",
        'amount',
        'int_ledger_account_activity',
    ),
    ('statements', 'statement_on', "'minimum_due'", 'minimum_due', 'int_ledger_account_statements'),
] %}
{% set used = ref(reference) %}
{% set has_unknown = may_find_rows(
    'select 1 from ' ~ used ~ ' where account_id not in (select account_id from ' ~ accounts ~ ')', [used, accounts]
) %}
unknown_accounts_of_{{ entity }} as (

    select account_id from {{ used }}
    where account_id not in (select account_id from accounts)

),

{{ entity }}_losers as (

    select * from {{ ref('int_ledger_duplicate_' ~ entity) }}
    where duplicate_rank > 1

),

{{ entity }}_refused as (

    select
        file,
        row_number,
        raw_row,
        {{ measure }} as measure,
        {{ amount }} as amount,
        case
            when rejection_reason is not null then rejection_reason
            when {{ lies_ahead(date_column, window) }}
                then '{{ date_column }} lies after the last day of the window, ' || {{ window.ends_on }}
            else 'account_id is not among the accepted accounts open in the window'
        end as reason
    from {{ ref('stg_ledger__' ~ entity) }}
    where
        (
            {% if may_have_refused(ref('int_ledger_control_totals'), entity) %}
            rejection_reason is not null
            or {{ lies_ahead(date_column, window) }}
            {% else %}
            false
            {% endif %}
            {% if has_unknown %}
            or (
                {{ date_column }} >= {{ window.starts_on }}
                and account_id in (select account_id from unknown_accounts_of_{{ entity }})
            )
            {% endif %}
        )
        {% if may_have_rows(ref('int_ledger_duplicate_' ~ entity)) %}
        and (file, row_number) not in (select (file, row_number) from {{ entity }}_losers)
        {% endif %}

),

{{ entity }}_rejected as (

    select
        '{{ entity }}' as source,
        file,
        row_number,
        raw_row,
        reason,
        measure,
        amount,
        true as counts_as_error
    from {{ entity }}_refused
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
    from {{ entity }}_losers

),
{% endfor %}

accounts_losers as (

    select * from {{ ref('int_ledger_duplicate_accounts') }}
    where duplicate_rank > 1

),

accounts_rejected as (

    select
        'accounts' as source,
        file,
        row_number,
        raw_row,
        coalesce(rejection_reason, 'the account was not open in the window: nothing to segment') as reason,
        cast(null as varchar) as measure,
        cast(null as decimal(18, 2)) as amount,
        rejection_reason is not null as counts_as_error
    from {{ ref('stg_ledger__accounts') }}
    where
        (rejection_reason is not null or account_id not in (select account_id from accounts))
        and (file, row_number) not in (select (file, row_number) from accounts_losers)
    union all
    select
        'accounts' as source,
        file,
        row_number,
        raw_row,
        'account_id stands in another row as well, which was kept' as reason,
        null as measure,
        null as amount,
        true as counts_as_error
    from accounts_losers

)

select * from accounts_rejected
union all
select * from transactions_rejected
union all
select * from statements_rejected
