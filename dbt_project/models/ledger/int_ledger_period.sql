-- The window, and as bits the months of it that the ledger does not cover.
with

period as (

    select * from {{ ref('int_ledger_window') }}

),

months as (

    select * from {{ ref('int_ledger_months') }}

),

uncovered as (

    select coalesce(bit_or(1::bigint << month_index) filter (where is_uncovered), 0) as uncovered_months
    from months

)

select
    period.*,
    uncovered.uncovered_months
from period
cross join uncovered
