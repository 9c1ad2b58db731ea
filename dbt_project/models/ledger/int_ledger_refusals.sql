-- Every refused row of the ledger with its reason.
-- depends_on: {{ ref('int_ledger_control_totals') }}
with

accounts_refused as (

    select
        'accounts' as source,
        file,
        row_number,
        raw_row,
        coalesce(
            rejection_reason, 'the account was not open in the months that the window covers: nothing to segment'
        ) as reason,
        cast(null as string) as measure,
        cast(null as decimal(18, 2)) as amount,
        rejection_reason is not null as counts_as_error
    from {{ ref('stg_ledger__accounts') }} as accounts_in
    where
        (
            rejection_reason is not null
            or not exists (
                select 1 from {{ ref('int_ledger_accounts') }} as accepted
                where accepted.account_id = accounts_in.account_id
            )
        )
        and not exists (
            select 1 from {{ ref('int_ledger_duplicate_accounts') }} as losers
            where
                losers.duplicate_rank > 1
                and losers.file = accounts_in.file
                and losers.row_number = accounts_in.row_number
        )

),

duplicate_accounts as (

    select
        'accounts' as source,
        losers.file,
        losers.row_number,
        losers.raw_row,
        case
            when losers.customer_id = kept.customer_id
                then 'account_id stands in another row as well, which was kept'
            else 'the account has another holder, ' || kept.customer_id || ', for whom it counts'
        end as reason,
        cast(null as string) as measure,
        cast(null as decimal(18, 2)) as amount,
        losers.customer_id = kept.customer_id as counts_as_error
    from {{ ref('int_ledger_duplicate_accounts') }} as losers
    inner join {{ ref('int_ledger_duplicate_accounts') }} as kept on losers.account_id = kept.account_id
    where losers.duplicate_rank > 1 and kept.duplicate_rank = 1

),

transactions as (

    {{ refused_rows(
        'transactions', 'posted_on',
        measure="coalesce(case when type_code is not null then transaction_type end, 'unknown')",
        amount='amount',
        used=ref('int_ledger_account_activity'),
    ) }}

),

statements as (

    {{ refused_rows(
        'statements', 'statement_on',
        measure="'minimum_due'",
        amount='minimum_due',
        used=ref('int_ledger_account_statements'),
    ) }}

)

select * from accounts_refused
union all
select * from duplicate_accounts
union all
select * from transactions
union all
select * from statements
