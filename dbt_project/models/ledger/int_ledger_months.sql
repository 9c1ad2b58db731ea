-- The months of the window, and whether the ledger covers each. Measured against the accounts open then, so that a
-- book that grows has no gaps at its beginning; the bounds are wide, since seasons are no gaps either, and few rows
-- tell nothing.
with

period as (

    select * from {{ ref('int_ledger_window') }}

),

months as (

    select
        month_index,
        cast(period.window_starts_on + to_months(cast(month_index as integer)) as date) as month
    from period
    cross join (select unnest(range(12)) as month_index) as twelve

),

accounts as (

    select * from {{ ref('stg_ledger__accounts') }}

),

open_accounts as (

    select
        months.month_index,
        count(*) as row_count
    from months
    inner join accounts
        on
            accounts.opened_on <= last_day(months.month)
            and coalesce(accounts.closed_on, months.month) >= months.month
    where accounts.rejection_reason is null
    group by months.month_index

),

counted as (

    select
        months.month_index,
        months.month,
        any_value(open_accounts.row_count) as accounts,
        coalesce(sum(days.row_count) filter (where days.source = 'transactions'), 0) as transactions,
        coalesce(sum(days.row_count) filter (where days.source = 'statements'), 0) as statements
    from months
    inner join open_accounts on months.month_index = open_accounts.month_index
    left join {{ ref('int_ledger_days') }} as days on months.month = date_trunc('month', days.day)
    group by months.month_index, months.month

),

expected as (

    select
        *,
        accounts * median(transactions / accounts) filter (where transactions > 0) over () as usual_transactions,
        accounts * median(statements / accounts) filter (where statements > 0) over () as usual_statements
    from counted

)

select
    month_index,
    strftime(month, '%Y-%m') as month,

    accounts,
    transactions,
    statements,

    {{ has_too_few('transactions') }} as is_uncovered,
    {{ has_too_few('statements') }} as lacks_statements
from expected
