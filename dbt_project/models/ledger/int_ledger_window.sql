-- The twelve months that are looked at. A month whose transactions break off before its end, or whose statements are
-- still to come, is left out: its shares would be those of half a month.
with

days as (

    select
        *,
        date_trunc('month', day) as month
    from {{ ref('int_ledger_days') }}

),

counted_by_month as (

    select
        source,
        month,
        sum(row_count) as row_count
    from days
    group by source, month

),

-- A few rows with a date far ahead must not move the window: a month counts when it has at least a tenth of
-- the busiest month's statements; of a ledger without statements, transactions.
latest_month as (

    select max(month) as month
    from counted_by_month
    where
        source = (select min(source) from counted_by_month)
        and row_count * 10 >= (
            select max(busiest.row_count) from counted_by_month as busiest
            where busiest.source = counted_by_month.source
        )

),

-- The day of the month by which nearly all of its transactions were posted ...
broken_off as (

    select min(day) as last_day
    from (
        select
            days.day,
            sum(days.row_count) over (order by days.day) as so_far,
            sum(days.row_count) over () as row_count
        from days
        inner join latest_month on days.month = latest_month.month
        where days.source = 'transactions'
    ) as running
    where so_far >= 0.95 * row_count

),

-- ... against what the other months of the year before post after that day.
usual as (

    select
        sum(days.row_count) as row_count,
        sum(days.row_count) filter (where day(days.day) > day(broken_off.last_day)) as later
    from days
    cross join latest_month
    cross join broken_off
    where
        days.source = 'transactions'
        and days.month < latest_month.month
        and days.month >= latest_month.month - interval 12 month

),

-- Transactions of a month whose statements are still to come.
following as (

    select sum(days.row_count) as row_count
    from days
    inner join latest_month on days.month = latest_month.month + interval 1 month
    where days.source = 'transactions'

),

judged as (

    select
        cast(latest_month.month as date) as month,
        {{ 'false' if var('as_of') else 'coalesce(usual.row_count >= 100 and usual.later > 0.2 * usual.row_count, false)' }}
            as is_unfinished,
        {{ 'false' if var('as_of') else 'coalesce(following.row_count >= 30 and 100 * following.row_count >= usual.row_count, false)' }}
            as is_followed
    from latest_month
    cross join usual
    cross join following

),

bounded as (

    select
        {% if var('as_of') -%}
        date '{{ var('as_of') }}' as as_of_date,
        {% else -%}
        case when is_unfinished then month - interval 1 day else last_day(month) end as as_of_date,
        {% endif -%}
        case
            when is_followed then last_day(month + interval 1 month)
            when is_unfinished then last_day(month)
        end as unfinished_until
    from judged

)

select
    cast(as_of_date as date) as as_of_date,
    cast(date_trunc('month', as_of_date) - interval 11 month as date) as window_starts_on,
    cast(unfinished_until as date) as unfinished_until
from bounded
