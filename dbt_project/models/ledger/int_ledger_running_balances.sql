{% set opening_accounts = ref('stg_ledger__accounts') %}
{% set duplicates = ref('int_ledger_duplicate_transactions') %}
{% set says_balances = balances_may_come_from(source('ledger', 'transactions'), 'balance_after') %}
{# Nothing is read where the input has statements, or neither column. #}
{% set is_needed = says_balances or balances_may_come_from(source('ledger', 'accounts'), 'opening_balance') %}

-- For ledgers without statements: each month's balance as the account's last transaction up to its end left it (of
-- one day's transactions the last in the file counts), or else what the account owed before the first one and what has
-- moved since. Columns and types are those of int_ledger_account_statements: beside others its decimals would be
-- rounded.
-- depends_on: {{ opening_accounts }} {{ duplicates }}
with

dated as (

    {{ beside_period(ref('stg_ledger__transactions')) }}

),

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

),

-- What came before the window is month -1.
accepted as (

    select
        *,
        greatest({{ month_index('posted_on') }}, -1) as month_index
    from dated
    where
        rejection_reason is null
        and posted_on <= as_of_date
        and {{ 'true' if is_needed else 'false' }}

),

{% if is_needed and not says_balances -%}
opening as (

    select
        account_id,
        any_value(opening_balance) as balance
    from {{ opening_accounts }}
    where rejection_reason is null
    group by account_id

),

moved_by_month as (

    select
        account_id,
        month_index,
        sum(case when transaction_type in ('payment', 'refund') then -amount else amount end) as balance
    from accepted
    where
        not exists (
            select 1 from {{ duplicates }} as losers
            where
                losers.duplicate_rank > 1
                and losers.file = accepted.file
                and losers.row_number = accepted.row_number
        )
    group by account_id, month_index

),

moves as (

    select
        account_id,
        -1 as month_index,
        balance
    from opening
    where balance is not null
    union all
    select
        moved_by_month.account_id,
        moved_by_month.month_index,
        moved_by_month.balance
    from moved_by_month
    inner join opening on moved_by_month.account_id = opening.account_id
    where opening.balance is not null

),

left_by_month as (

    select
        account_id,
        month_index,
        sum(sum(balance)) over (partition by account_id order by month_index) as balance
    from moves
    group by account_id, month_index

),
{%- else -%}
left_by_month as (

    select
        account_id,
        month_index,
        max_by(balance_after, (posted_on, file, row_number)) as balance
    from accepted
    where balance_after is not null
    group by account_id, month_index

),
{%- endif %}

thirteen as (

    select numbers.month_index from range(-1, 12) as numbers (month_index)

),

months as (

    select
        accounts.account_id,
        accounts.open_months,
        thirteen.month_index
    from accounts
    cross join thirteen
    where accounts.account_id in (select left_by_month.account_id from left_by_month)

),

carried_forward as (

    select
        months.account_id,
        months.open_months,
        months.month_index,
        {{ last_known('left_by_month.balance') }} over (
            partition by months.account_id
            order by months.month_index
            rows between unbounded preceding and current row
        ) as balance
    from months
    left join left_by_month
        on months.account_id = left_by_month.account_id and months.month_index = left_by_month.month_index

),

known as (

    select
        account_id,
        month_index,
        greatest(balance, 0) as balance
    from carried_forward
    where
        balance is not null
        and month_index >= 0
        and open_months & (cast(1 as bigint) << greatest(month_index, 0)) != 0

)

select
    account_id,

    bit_or(cast(1 as bigint) << month_index) as statement_months,
    coalesce(bit_or(cast(1 as bigint) << month_index) filter (where balance > 0), 0) as balance_months,
    cast(0 as bigint) as limit_months,

    cast(coalesce(sum(balance) filter (where month_index > 0), 0) as decimal(38, 6)) as later_balances,
    cast(coalesce(sum(balance) filter (where month_index = 0), 0) as decimal(38, 6)) as first_balance,
    cast(null as decimal(38, 6)) as later_limits,
    cast(null as decimal(38, 6)) as first_limit,
    cast(null as decimal(38, 2)) as minimum_due,

    count(*) as statements,
    cast(0 as bigint) as statements_with_due,
    cast(0 as bigint) as statements_fallen_due,
    cast(0 as bigint) as statements_paid_in_full
from known
group by account_id
