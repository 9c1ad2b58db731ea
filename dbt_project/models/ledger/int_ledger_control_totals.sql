-- Totals straight from the input, before any row is judged, to hold the features against; what lies
-- before the window, which is history that no feature uses; and how many rows are refused by themselves,
-- so that nothing looks for them where there are none.
with

dated_transactions as (

    {{ beside_period(ref('stg_ledger__transactions')) }}

),

dated_statements as (

    {{ beside_period(ref('stg_ledger__statements')) }}

),

duplicate_transactions as (

    {{ beside_period(ref('int_ledger_duplicate_transactions')) }}

),

duplicate_statements as (

    {{ beside_period(ref('int_ledger_duplicate_statements')) }}

),

transactions as (

    select
        'transactions' as source,
        coalesce(case when type_code is not null then transaction_type end, 'unknown') as measure,
        count(*) as rows_in,
        count(*) filter (where rejection_reason is not null or {{ lies_ahead('posted_on') }})
            as rows_refused,
        count(*) filter (where rejection_reason is null and {{ lies_outside('posted_on') }})
            as rows_outside_window,
        sum(amount) as amount_in,
        sum(amount) filter (where rejection_reason is null and {{ lies_outside('posted_on') }})
            as amount_outside_window
    from dated_transactions
    group by all

),

statements as (

    select
        'statements' as source,
        'minimum_due' as measure,
        count(*) as rows_in,
        count(*) filter (where rejection_reason is not null or {{ lies_ahead('statement_on') }})
            as rows_refused,
        count(*) filter (where rejection_reason is null and {{ lies_outside('statement_on') }})
            as rows_outside_window,
        sum(minimum_due) as amount_in,
        sum(minimum_due) filter (where rejection_reason is null and {{ lies_outside('statement_on') }})
            as amount_outside_window
    from dated_statements

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

),

totals as (

    select * from transactions
    union all
    select * from statements

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
