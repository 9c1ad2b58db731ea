-- The one look at every row of the transactions and the statements before the window is known: rows and money a day.
-- Few rows, from which the window, the months covered and the control totals follow. A transaction tells which days the
-- ledger covers by its date alone, whatever else is wrong with it; a statement only where it is accepted.
with

-- By the code: text of millions of rows is slow to group by.
transactions_by_code as (

    select
        type_code,
        posted_on,
        count(*) as row_count,
        count(*) as rows_in,
        count(*) filter (where rejection_reason is not null) as rows_refused,
        sum(amount) as amount_in,
        sum(amount) filter (where rejection_reason is null) as amount_accepted
    from {{ ref('stg_ledger__transactions') }}
    group by type_code, posted_on

),

transactions as (

    select
        'transactions' as source,
        coalesce({{ transaction_type('type_code') }}, 'unknown') as measure,
        posted_on as on_date,
        row_count,
        rows_in,
        rows_refused,
        amount_in,
        amount_accepted
    from transactions_by_code

),

statements as (

    select
        'statements' as source,
        'minimum_due' as measure,
        statement_on as on_date,
        count(*) filter (where rejection_reason is null) as row_count,
        count(*) as rows_in,
        count(*) filter (where rejection_reason is not null) as rows_refused,
        sum(minimum_due) as amount_in,
        sum(minimum_due) filter (where rejection_reason is null) as amount_accepted
    from {{ ref('stg_ledger__statements') }}
    group by on_date

)

select * from transactions
union all
select * from statements
