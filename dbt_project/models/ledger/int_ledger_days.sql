-- Rows a day. No feature rests on it: it tells which days the ledger covers, so a transaction counts by its date
-- alone, and one column is read.
with

transactions as (

    select * from {{ ref('stg_ledger__transactions') }}

),

statements as (

    select * from {{ ref('stg_ledger__statements') }}

)

select
    'transactions' as source,
    posted_on as on_date,
    count(*) as row_count
from transactions
where posted_on is not null
group by posted_on
union all
select
    'statements' as source,
    statement_on as on_date,
    count(*) as row_count
from statements
where rejection_reason is null
group by statement_on
