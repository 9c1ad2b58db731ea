-- Counted where the rows are used, apart from the refusals; outside of the window they are history.
with

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

),

outside_window as (

    select
        source,
        sum(rows_outside_window) as row_count
    from {{ ref('int_ledger_control_totals') }}
    group by source

),

used as (

    select
        'transactions' as source,
        sum(activity.transactions) as row_count
    from {{ ref('int_ledger_account_activity') }} as activity
    inner join accounts on activity.account_id = accounts.account_id
    union all
    select
        'statements' as source,
        sum(statements.statements) as row_count
    from {{ ref('int_ledger_account_statements') }} as statements
    inner join accounts on statements.account_id = accounts.account_id

)

select
    'accounts' as source,
    count(*) as rows_accepted
from accounts
union all
select
    used.source,
    coalesce(used.row_count, 0) + coalesce(outside_window.row_count, 0) as rows_accepted
from used
left join outside_window on used.source = outside_window.source
