{{ config(enabled=var('source_kind') != 'summary') }}

-- Without a statement in the window there is no balance, no limit and no due date to segment by.
with

statements_in_window as (

    select count(*) as row_count from {{ ref('int_ledger_account_statements') }}

)

select * from statements_in_window
where row_count = 0
