{% set asked = "date '" ~ var('as_of') ~ "'" if var('as_of') else 'cast(null as date)' %}

-- The twelve months that are looked at. A month whose transactions break off before its end, or whose statements are
-- still to come, is left out: its shares would be those of half a month.
with

days as (

    select
        *,
        date_trunc('month', on_date) as month_starts_on
    from {{ ref('int_ledger_days') }}
    where
        on_date is not null
        and row_count > 0

),

counted_by_month as (

    select
        source,
        month_starts_on,
        sum(row_count) as row_count
    from days
    group by source, month_starts_on

),

-- A few rows with a date far ahead must not move the window: a month counts when it has at least a tenth of
-- the busiest month's statements; of a ledger without statements, transactions.
latest_month as (

    select max(month_starts_on) as month_starts_on
    from (
        select
            *,
            max(row_count) over (partition by source) as busiest,
            min(source) over () as telling_source
        from counted_by_month
    ) as beside_busiest
    where source = telling_source and row_count * 10 >= busiest

),

-- The day of the month by which nearly all of its transactions were posted ...
broken_off as (

    select min(on_date) as last_day
    from (
        select
            days.on_date,
            sum(days.row_count) over (order by days.on_date) as so_far,
            sum(days.row_count) over () as row_count
        from days
        inner join latest_month on days.month_starts_on = latest_month.month_starts_on
        where days.source = 'transactions'
    ) as running
    where so_far >= 0.95 * row_count

),

-- ... against what the other months of the year before post after that day.
usual as (

    select
        sum(days.row_count) as row_count,
        sum(days.row_count) filter (where day(days.on_date) > day(broken_off.last_day)) as later
    from days
    cross join latest_month
    cross join broken_off
    where
        days.source = 'transactions'
        and days.month_starts_on < latest_month.month_starts_on
        and days.month_starts_on >= latest_month.month_starts_on - interval 12 month

),

-- Transactions of a month whose statements are still to come.
following as (

    select sum(days.row_count) as row_count
    from days
    inner join latest_month on days.month_starts_on = latest_month.month_starts_on + interval 1 month
    where days.source = 'transactions'

),

judged as (

    select
        cast(latest_month.month_starts_on as date) as month_starts_on,
        coalesce(usual.row_count >= 100 and usual.later > 0.2 * usual.row_count, false) as is_unfinished,
        coalesce(following.row_count >= 30 and 100 * following.row_count >= usual.row_count, false) as is_followed
    from latest_month
    cross join usual
    cross join following

),

bounded as (

    select
        {{ asked }} as asked_for,
        case
            when asked_for is not null then asked_for
            when is_unfinished then month_starts_on - interval 1 day
            else last_day(month_starts_on)
        end as as_of_date,
        case
            when asked_for is not null then null
            when is_followed then last_day(month_starts_on + interval 1 month)
            when is_unfinished then last_day(month_starts_on)
        end as unfinished_until
    from judged

)

select
    cast(as_of_date as date) as as_of_date,
    cast(date_trunc('month', as_of_date) - interval 11 month as date) as window_starts_on,
    cast(unfinished_until as date) as unfinished_until
from bounded
