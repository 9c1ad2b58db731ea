with

customers as (

    select * from {{ ref('stg_summary__customers') }}

),

duplicates as (

    select * from {{ ref('int_summary_duplicate_customers') }}

),

accepted as (

    select * exclude (raw_row, file, row_number, rejection_reason)
    from customers
    where
        rejection_reason is null
        and customer_id not in (select customer_id from duplicates)

    union all

    select * exclude (raw_row, file, row_number, duplicate_rank)
    from duplicates
    where duplicate_rank = 1

),

-- Minimum payments are missing exactly where nothing was due: zero money, and the flag says so. A column without any
-- is unknown.
completed as (

    select
        * replace (
            case when count(minimum_payments) over () > 0 then coalesce(minimum_payments, 0) end as minimum_payments
        ),
        {% if var('as_of') %}date '{{ var('as_of') }}'{% else %}cast(null as date){% endif %} as as_of_date,
        count(minimum_payments) over () > 0 and minimum_payments is null as nothing_was_due,
        tenure as months_on_book
    from accepted

)

select * from completed
