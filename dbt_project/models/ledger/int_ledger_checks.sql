-- Checks that only a ledger can make, beside those of the features (macro quality_rules).
{% set open_ones = in_open_months('activity.active_months', times=3) %}

with

months as (

    select * from {{ ref('int_ledger_months') }}

),

period as (

    select * from {{ ref('int_ledger_period') }}

),

customers_while_closed as (

    select distinct accounts.customer_id
    from {{ ref('int_ledger_account_activity') }} as activity
    inner join {{ ref('int_ledger_accounts') }} as accounts on activity.account_id = accounts.account_id
    cross join period
    where
        coalesce(activity.active_months, 0) & ~{{ open_ones }}
        -- A month that is not covered is none of the account's doing.
        & ~(period.uncovered_months | (period.uncovered_months << 12) | (period.uncovered_months << 24)) != 0

),

-- Customers all of whose accounts count for another holder.
other_holders as (

    select distinct losers.customer_id
    from {{ ref('int_ledger_duplicate_accounts') }} as losers
    where
        losers.duplicate_rank > 1
        and not exists (
            select 1 from {{ ref('int_ledger_accounts') }} as accounts
            where accounts.customer_id = losers.customer_id
        )

),

refused as (

    select
        measure,
        count(amount) as row_count,
        avg(amount) as mean_amount
    from {{ ref('int_ledger_refusals') }}
    where source = 'transactions'
    group by measure

),

totals as (

    select
        measure,
        avg(amount_in) / nullif(avg(rows_in), 0) as mean_amount
    from {{ ref('int_ledger_control_totals') }}
    where source = 'transactions'
    group by measure

),

-- What features are counted of, beside payments, which are unknown then.
never_there as (

    {% for type in ['oneoff_purchase', 'installment_purchase', 'cash_advance', 'payment'] -%}
    select '{{ type }}' as kind
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
    except
    select measure as kind from totals

),

-- Thirty amounts and a factor of three: below that chance may do it.
of_another_size as (

    select
        refused.measure,
        refused.row_count,
        refused.measure || ' ' || {{ grouped('refused.mean_amount') }}
        || ' : ' || {{ grouped('totals.mean_amount') }} as example
    from refused
    inner join totals on refused.measure = totals.measure
    where
        refused.row_count >= 30
        and (refused.mean_amount > 3 * totals.mean_amount or 3 * refused.mean_amount < totals.mean_amount)

)

select
    'unfinished_last_month' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce(any_value(substr(cast(unfinished_until as string), 1, 7)), '') as example_ids
from period
where unfinished_until is not null
union all
select
    'months_not_covered' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce({{ joined_in_order('calendar_month', ' ', 'calendar_month') }}, '') as example_ids
from months
where is_uncovered
union all
select
    'months_without_statements' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce({{ joined_in_order('calendar_month', ' ', 'calendar_month') }}, '') as example_ids
from months
where lacks_statements and not is_uncovered
union all
select
    'active_while_closed' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce({{ first_few('customer_id', 10) }}, '') as example_ids
from customers_while_closed
union all
select
    'joint_accounts' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce({{ first_few('customer_id', 10) }}, '') as example_ids
from other_holders
union all
select
    'refused_money_of_another_size' as check_name,
    'warn' as severity,
    cast(coalesce(sum(row_count), 0) as bigint) as affected_rows,
    coalesce({{ joined_in_order('example', ', ', 'measure') }}, '') as example_ids
from of_another_size
union all
select
    'kinds_that_never_occur' as check_name,
    'warn' as severity,
    count(*) as affected_rows,
    coalesce({{ joined_in_order('kind', ' ', 'kind') }}, '') as example_ids
from never_there
