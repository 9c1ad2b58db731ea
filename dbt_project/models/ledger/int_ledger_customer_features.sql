{% set knows_balance = 'knows_balances'
    ~ (' and accounts_without_balance = 0 and snapshots > 0' if statements_are_absent()) %}

with

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

),

activity as (

    select * from {{ ref('int_ledger_account_activity') }}

),

statements as (

    select * from {{ ref('int_ledger_account_statements') }}

),

brought_together as (

    select
        accounts.customer_id,

        bit_count(bit_or(accounts.open_months)) as tenure,
        min(accounts.opened_on) as opened_on,
        -- What happened while an account was not open counts as money, and in no share of months.
        bit_or({{ in_open_months('activity.active_months', times=3) }}) as active_months,
        bit_or(coalesce(statements.statement_months, 0)) as statement_months,
        bit_or({{ in_open_months('statements.balance_months') }}) as balance_months,
        bit_or(coalesce(statements.limit_months, 0)) as limit_months,

        {% for type in transaction_types() -%}
        coalesce(sum(activity.{{ type }}_amount), 0) as {{ type }}_amount,
        {% endfor -%}
        count(*) filter (where statements.account_id is null) as accounts_without_balance,
        coalesce(sum(statements.later_balances), 0) as later_balances,
        coalesce(sum(statements.first_balance), 0) as first_balance,
        coalesce(sum(statements.later_limits), 0) as later_limits,
        coalesce(sum(statements.first_limit), 0) as first_limit,
        coalesce(sum(statements.minimum_due), 0) as minimum_due,

        coalesce(sum(activity.purchases_trx), 0) as purchases_trx,
        coalesce(sum(activity.cash_advance_trx), 0) as cash_advance_trx,
        coalesce(sum(statements.statements_with_due), 0) as statements_with_due,
        coalesce(sum(statements.statements_fallen_due), 0) as statements_fallen_due,
        coalesce(sum(statements.statements_paid_in_full), 0) as statements_paid_in_full
    from accounts
    left join activity on accounts.account_id = activity.account_id
    left join statements on accounts.account_id = statements.account_id
    group by accounts.customer_id

),

-- Twelve open months give eleven snapshots: the window's first month is left out.
snapshots as (

    select
        {{ all_but(['statement_months', 'balance_months', 'limit_months']) }},
        case when tenure = 12 then 4094 else 4095 end as snapshot_months,
        bit_count(statement_months & snapshot_months) as snapshots,
        bit_count(balance_months & snapshot_months) as snapshots_with_balance,
        bit_count(limit_months & snapshot_months) as snapshots_with_limit,
        later_balances + case when tenure = 12 then 0 else first_balance end as balances,
        later_limits + case when tenure = 12 then 0 else first_limit end as limits
    from brought_together

),

-- What the ledger tells of anybody; a window over all customers would bring them to one place of a cluster.
told as (

    select
        sum(snapshots) > 0 as knows_balances,
        sum(payment_amount) > 0 as knows_payments,
        sum(statements_with_due) > 0 as knows_dues,
        sum(statements_fallen_due) > 0 as knows_full_payments
    from snapshots

),

beside_told as (

    select
        snapshots.*,
        told.*
    from snapshots
    cross join told

),

dated as (

    {{ beside_period("beside_told") }}

),

defined as (

    select
        customer_id,

        as_of_date,

        -- Without statements no balance is known; an account without one of them owes nothing. Where transactions stand
        -- in for statements, an account of which they tell no balance may owe anything.
        case when {{ knows_balance }} then coalesce(cast(balances as double) / nullif(snapshots, 0), 0) end as balance,
        case when {{ knows_balance }} then snapshots_with_balance / least(tenure, 11) end as balance_frequency,
        oneoff_purchase_amount + installment_purchase_amount - refund_amount as purchases,
        oneoff_purchase_amount as oneoff_purchases,
        installment_purchase_amount as installments_purchases,
        cash_advance_amount as cash_advance,
        bit_count((active_months | (active_months >> 12)) & 4095) / tenure as purchases_frequency,
        bit_count(active_months & 4095) / tenure as oneoff_purchases_frequency,
        bit_count((active_months >> 12) & 4095) / tenure as purchases_installments_frequency,
        bit_count((active_months >> 24) & 4095) / tenure as cash_advance_frequency,
        cash_advance_trx,
        purchases_trx,
        cast(limits as double) / nullif(snapshots_with_limit, 0) as credit_limit,
        -- Every card is paid: where nobody pays, the ledger does not know of payments.
        case when knows_payments then payment_amount - payment_reversal_amount end as payments,
        -- Where nothing is ever due to anybody, the ledger does not know what is.
        case when knows_dues then minimum_due end as minimum_payments,
        case
            when knows_full_payments
                then coalesce(statements_paid_in_full / nullif(statements_fallen_due, 0), 0)
        end as prc_full_payment,
        tenure,

        statements_with_due = 0 as nothing_was_due,
        -- Months since the first account was opened, whatever the ledger covers of them.
        case
            when opened_on is not null
                then least(12 * (year(as_of_date) - year(opened_on)) + month(as_of_date) - month(opened_on) + 1, 12)
        end as months_on_book
    from dated

)

select * from defined
