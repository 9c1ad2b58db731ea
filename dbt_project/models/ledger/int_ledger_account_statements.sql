{% set totals = ref('int_ledger_control_totals') %}
{% set duplicates = ref('int_ledger_duplicate_statements') %}
{% set with_duplicates = may_have_rows(duplicates) %}

-- The first month of the window is kept apart: it is no snapshot for a customer whose account was open
-- in all twelve months, and how long that was is known only when a customer's accounts come together.
-- depends_on: {{ totals }} {{ duplicates }}
with

dated_statements as (

    {{ beside_period(ref('stg_ledger__statements')) }}

),

dated_duplicates as (

    {{ beside_period(duplicates) }}

),

scanned as (

    select
        {{ all_but(['raw_row', 'file', 'row_number', 'rejection_reason']) }},
        {{ month_index('statement_on') }} as month_index
    from dated_statements
    where
        statement_on between window_starts_on and as_of_date
        {% if may_have_refused(totals, 'statements') %}
        and rejection_reason is null
        {% endif %}
    {% if with_duplicates %}
    and not exists (
        select 1 from {{ duplicates }} as repeated
        where
            repeated.account_id = dated_statements.account_id
            and repeated.statement_on = dated_statements.statement_on
    )
    {% endif %}

),

kept_duplicates as (

    select
        {{ all_but(['raw_row', 'file', 'row_number', 'duplicate_rank']) }},
        {{ month_index('statement_on') }} as month_index
    from dated_duplicates
    where
        duplicate_rank = 1
        and statement_on between window_starts_on and as_of_date

),

statements as (

    select * from scanned
    {% if with_duplicates %}
    union all
    select * from kept_duplicates
    {% endif %}

),

aggregated as (

    select
        account_id,

        -- One bit a month with a statement, with a balance owed, with a limit.
        bit_or(1::bigint << month_index) as statement_months,
        coalesce(bit_or(1::bigint << month_index) filter (where average_daily_balance > 0), 0) as balance_months,
        coalesce(bit_or(1::bigint << month_index) filter (where credit_limit is not null), 0) as limit_months,

        -- A balance in the customer's favour is no balance owed.
        sum(greatest(average_daily_balance, 0)) filter (where month_index > 0) as later_balances,
        sum(greatest(average_daily_balance, 0)) filter (where month_index = 0) as first_balance,
        sum(credit_limit) filter (where month_index > 0) as later_limits,
        sum(credit_limit) filter (where month_index = 0) as first_limit,
        count(*) filter (where month_index > 0) as later_statements,
        count(*) filter (where month_index = 0) as first_statements,
        count(credit_limit) filter (where month_index > 0) as later_statements_with_limit,
        count(credit_limit) filter (where month_index = 0) as first_statements_with_limit,
        sum(minimum_due) as minimum_due,

        count(*) as statements,
        count(*) filter (where minimum_due > 0) as statements_with_due,
        -- Whether a statement was paid is known once its due date has passed.
        count(*) filter (where minimum_due > 0 and due_on <= as_of_date) as statements_fallen_due,
        count(*) filter (
            where minimum_due > 0 and due_on <= as_of_date and paid_by_due_on >= closing_balance
        ) as statements_paid_in_full
    from statements
    group by account_id

),

-- A month with two statements, as where they come every 30 days, counts once: with their mean.
a_month_each as (

    select
        account_id,
        statement_months,
        balance_months,
        limit_months,
        {{ once_a_month('later_balances', 'statement_months >> 1', 'later_statements') }} as later_balances,
        {{ once_a_month('first_balance', 'statement_months & 1', 'first_statements') }} as first_balance,
        {{ once_a_month('later_limits', 'limit_months >> 1', 'later_statements_with_limit') }} as later_limits,
        {{ once_a_month('first_limit', 'limit_months & 1', 'first_statements_with_limit') }} as first_limit,
        minimum_due,
        statements,
        statements_with_due,
        statements_fallen_due,
        statements_paid_in_full
    from aggregated

)

select * from a_month_each
union all
-- Where the ledger has none, what the transactions say of balances stands in for them.
select * from {{ ref('int_ledger_running_balances') }}
where not exists (select 1 from a_month_each)
