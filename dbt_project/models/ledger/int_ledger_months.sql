-- The months of the window, and whether the ledger covers each. Measured against the accounts open then, so that a
-- book that grows has no gaps at its beginning; the bounds are wide, since seasons are no gaps either, and few rows
-- tell nothing.
with

period as (

    select * from {{ ref('int_ledger_window') }}

),

twelve as (

    select numbers.month_index from range(12) as numbers (month_index)

),

months as (

    select
        twelve.month_index,
        cast(period.window_starts_on + cast(twelve.month_index as integer) * interval 1 month as date) as starts_on
    from twelve
    cross join period

),

-- Few rows, so that a million accounts are not held against each of twelve months.
accounts as (

    select
        date_trunc('month', opened_on) as opened_in,
        date_trunc('month', closed_on) as closed_in,
        count(*) as row_count
    from {{ ref('stg_ledger__accounts') }}
    where rejection_reason is null
    group by opened_in, closed_in

),

open_accounts as (

    select
        months.month_index,
        cast(sum(accounts.row_count) as bigint) as row_count
    from months
    inner join accounts
        on
            coalesce(accounts.opened_in, months.starts_on) <= months.starts_on
            and coalesce(accounts.closed_in, months.starts_on) >= months.starts_on
    group by months.month_index

),

counted as (

    select
        months.month_index,
        months.starts_on,
        any_value(open_accounts.row_count) as accounts,
        coalesce(sum(dated.row_count) filter (where dated.source = 'transactions'), 0) as transactions,
        coalesce(sum(dated.row_count) filter (where dated.source = 'statements'), 0) as statements
    from months
    inner join open_accounts on months.month_index = open_accounts.month_index
    left join {{ ref('int_ledger_days') }} as dated on months.starts_on = date_trunc('month', dated.on_date)
    group by months.month_index, months.starts_on

),

expected as (

    select
        *,
        accounts * median(case when transactions > 0 then transactions / accounts end) over () as usual_transactions,
        accounts * median(case when statements > 0 then statements / accounts end) over () as usual_statements
    from counted

)

select
    month_index,
    substr(cast(starts_on as string), 1, 7) as calendar_month,

    accounts,
    transactions,
    statements,

    {{ has_too_few('transactions') }} as is_uncovered,
    {{ has_too_few('statements') }} as lacks_statements
from expected
