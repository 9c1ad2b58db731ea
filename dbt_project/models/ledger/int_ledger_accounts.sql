with

accounts as (

    select * from {{ ref('stg_ledger__accounts') }}

),

duplicates as (

    select * from {{ ref('int_ledger_duplicate_accounts') }}

),

accepted as (

    select
        account_id,
        customer_id,
        opened_on,
        closed_on
    from accounts
    where
        rejection_reason is null
        and not exists (
            select 1 from duplicates
            where duplicates.account_id = accounts.account_id
        )

    union all

    select
        account_id,
        customer_id,
        opened_on,
        closed_on
    from duplicates
    where duplicate_rank = 1

),

dated as (

    {{ beside_period("accepted") }}

),

counted_months as (

    select
        *,
        greatest({{ month_index('opened_on') }}, 0) as first_month,
        least(coalesce({{ month_index('closed_on') }}, 11), 11) as last_month
    from dated

),

marked as (

    select
        account_id,
        customer_id,
        opened_on,
        closed_on,
        -- One bit a month of the window that the ledger covers and in which the account was open on at least one day.
        case
            when first_month <= last_month
                then (((1::bigint << (last_month - first_month + 1)) - 1) << first_month) & (4095 - uncovered_months)
            else 0
        end as open_months
    from counted_months

)

select * from marked
where open_months > 0
