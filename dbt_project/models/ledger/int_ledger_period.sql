{% set latest = 'cast(last_day(statement_month) as date)' %}
{% set as_of_date = "date '" ~ var('as_of') ~ "'" if var('as_of') else latest %}

with

statements as (

    select * from {{ ref('stg_ledger__statements') }}

),

counted_by_month as (

    select
        date_trunc('month', statement_on) as statement_month,
        count(*) as statements
    from statements
    where rejection_reason is null
    group by 1

),

-- A few statements with a date far ahead must not move the window: a month counts when it has at
-- least a tenth of the statements of the busiest month.
latest_month as (

    select max(statement_month) as statement_month
    from counted_by_month
    where statements * 10 >= (select max(busiest.statements) from counted_by_month as busiest)

),

bounded as (

    select {{ as_of_date }} as as_of_date
    from latest_month

)

select
    as_of_date,
    cast(date_trunc('month', as_of_date) - interval 11 month as date) as window_starts_on
from bounded
