{% set window = ledger_window() %}
{% set totals = ref('int_ledger_control_totals') %}
{% set duplicates = ref('int_ledger_duplicate_statements') %}
{% set with_duplicates = may_have_rows(duplicates) %}

-- The first month of the window is kept apart: it is no snapshot for a customer whose account was open
-- in all twelve months, and how long that was is known only when a customer's accounts come together.
-- depends_on: {{ ref('int_ledger_period') }} {{ totals }} {{ duplicates }}
with

scanned as (

    select
        * exclude (raw_row, file, row_number, rejection_reason),
        {{ month_index('statement_on', window) }} as month_index
    from {{ ref('stg_ledger__statements') }}
    where
        statement_on between {{ window.starts_on }} and {{ window.ends_on }}
        {% if may_have_refused(totals, 'statements') %}
        and rejection_reason is null
        {% endif %}
        {% if with_duplicates %}
        and (account_id, statement_on) not in (select (account_id, statement_on) from {{ duplicates }})
        {% endif %}

),

kept_duplicates as (

    select
        * exclude (raw_row, file, row_number, duplicate_rank),
        {{ month_index('statement_on', window) }} as month_index
    from {{ duplicates }}
    where
        duplicate_rank = 1
        and statement_on between {{ window.starts_on }} and {{ window.ends_on }}

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
        coalesce(bit_or(1::bigint << month_index) filter (average_daily_balance > 0), 0) as balance_months,
        coalesce(bit_or(1::bigint << month_index) filter (credit_limit is not null), 0) as limit_months,

        -- A balance in the customer's favour is no balance owed.
        coalesce(sum(greatest(average_daily_balance, 0)) filter (month_index > 0), 0) as later_balances,
        coalesce(sum(greatest(average_daily_balance, 0)) filter (month_index = 0), 0) as first_balance,
        coalesce(sum(credit_limit) filter (month_index > 0), 0) as later_limits,
        coalesce(sum(credit_limit) filter (month_index = 0), 0) as first_limit,
        sum(minimum_due) as minimum_due,

        count(*) as statements,
        count(*) filter (minimum_due > 0) as statements_with_due,
        -- Whether a statement was paid is known once its due date has passed.
        count(*) filter (minimum_due > 0 and due_on <= {{ window.ends_on }}) as statements_fallen_due,
        count(*) filter (
            minimum_due > 0 and due_on <= {{ window.ends_on }} and paid_by_due_on >= closing_balance
        ) as statements_paid_in_full
    from statements
    group by account_id

)

select * from aggregated
