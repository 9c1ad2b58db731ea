{{ config(enabled=var('source_kind') != 'summary') }}

-- Without a statement in the window there is no balance, no limit and no due date to segment by: where a ledger has
-- statements, they belong there.
with

in_window as (

    select count(*) as row_count
    from {{ ref('int_ledger_account_statements') }}

),

commonest as (

    select mode(reason) as reason
    from {{ ref('int_rejected_rows') }}
    where source = 'statements'

),

-- The view reads the input again.
reach as (

    select
        min(statement_on) as first_on,
        max(statement_on) as last_on
    from {{ ref('stg_ledger__statements') }}
    where
        rejection_reason is null
        and (select row_count from in_window) = 0

)

select
    case
        when reach.first_on is null
            then
                'statements: every row was refused' || coalesce(', most because ' || commonest.reason, '')
                || '; so there is no window to segment by.'
        else
            'statements: none lies in the window from ' || period.window_starts_on || ' to ' || period.as_of_date
            || '; they reach from ' || reach.first_on || ' to ' || reach.last_on
            || '. Give AS_OF a month''s last day among these, or leave it out.'
    end as sentence,
    case when reach.first_on is null then 'ledger.int_ledger_rejected_rows' end as rows_stand_in
from in_window
cross join reach
cross join commonest
cross join {{ ref('int_ledger_period') }} as period
where
    in_window.row_count = 0
    and exists (
        select 1 from {{ source('intake', 'inputs') }} as inputs
        where inputs.source = 'statements'
    )
