-- Totals of the input as it came, whatever was judged of its rows, to hold the features against; what lies
-- before the window, which is history that no feature uses; and how many rows are refused by themselves,
-- so that nothing looks for them where there are none.
with

dated as (

    {{ beside_period(ref('int_ledger_days')) }}

),

duplicate_transactions as (

    {{ beside_period(ref('int_ledger_duplicate_transactions')) }}

),

duplicate_statements as (

    {{ beside_period(ref('int_ledger_duplicate_statements')) }}

),

totals as (

    select
        source,
        measure,
        cast(sum(rows_in) as bigint) as rows_in,
        cast(sum(case when {{ lies_ahead('on_date') }} then rows_in else rows_refused end) as bigint) as rows_refused,
        cast(
            coalesce(sum(rows_in - rows_refused) filter (where {{ lies_outside('on_date') }}), 0) as bigint
        ) as rows_outside_window,
        sum(amount_in) as amount_in,
        sum(amount_accepted) filter (where {{ lies_outside('on_date') }}) as amount_outside_window
    from dated
    group by source, measure
    union all
    -- A ledger may come without statements.
    select
        'statements' as source,
        'minimum_due' as measure,
        0 as rows_in,
        0 as rows_refused,
        0 as rows_outside_window,
        cast(null as decimal(38, 2)) as amount_in,
        cast(null as decimal(38, 2)) as amount_outside_window
    from (select count(*) filter (where source = 'statements') as statement_days from dated) as counted
    where statement_days = 0

),

-- Losing duplicates before the window are in rejected_rows already.
rejected_before_window as (

    select
        'transactions' as source,
        transaction_type as measure,
        count(*) as rejected_rows,
        sum(amount) as amount
    from duplicate_transactions
    where duplicate_rank > 1 and {{ lies_outside('posted_on') }}
    group by all
    union all
    select
        'statements' as source,
        'minimum_due' as measure,
        count(*) as rejected_rows,
        sum(minimum_due) as amount
    from duplicate_statements
    where duplicate_rank > 1 and {{ lies_outside('statement_on') }}

)

select
    totals.source,
    totals.measure,

    totals.rows_in,
    totals.rows_refused,
    totals.rows_outside_window - coalesce(rejected_before_window.rejected_rows, 0) as rows_outside_window,

    totals.amount_in,
    coalesce(totals.amount_outside_window, 0) - coalesce(rejected_before_window.amount, 0)
        as amount_outside_window
from totals
left join rejected_before_window
    on totals.source = rejected_before_window.source and totals.measure = rejected_before_window.measure
