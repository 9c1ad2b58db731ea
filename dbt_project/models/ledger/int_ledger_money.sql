-- Money of the ledger by kind: in the input, in the features, outside of the window and refused.
with

totals as (

    select * from {{ ref('int_ledger_control_totals') }}

),

refused as (

    select
        source,
        measure,
        sum(amount) as amount_rejected,
        count(*) - count(amount) as amounts_unknown
    from {{ ref('int_ledger_refusals') }}
    group by source, measure

),

-- Summed once: a select for each type would read the accounts as often.
summed as (

    select
        {% for type in transaction_types() -%}
        sum(activity.{{ type }}_amount) as {{ type }}_amount,
        {% endfor -%}
        count(*) as accounts
    from {{ ref('int_ledger_account_activity') }} as activity
    inner join {{ ref('int_ledger_accounts') }} as accounts on activity.account_id = accounts.account_id

),

used as (

    {% for type in transaction_types() -%}
    select
        'transactions' as source,
        '{{ type }}' as measure,
        {{ type }}_amount as amount
    from summed
    union all
    {% endfor -%}
    select
        'statements' as source,
        'minimum_due' as measure,
        sum(statements.minimum_due) as amount
    from {{ ref('int_ledger_account_statements') }} as statements
    inner join {{ ref('int_ledger_accounts') }} as accounts on statements.account_id = accounts.account_id

)

select
    totals.source,
    totals.measure,
    coalesce(totals.amount_in, 0) as amount_in,
    coalesce(used.amount, 0) as amount_in_features,
    totals.amount_outside_window,
    coalesce(refused.amount_rejected, 0) as amount_rejected,
    coalesce(refused.amounts_unknown, 0) as amounts_unknown
from totals
left join used on totals.source = used.source and totals.measure = used.measure
left join refused on totals.source = refused.source and totals.measure = refused.measure
