with

refused as (

    select
        file,
        row_number,
        raw_row,
        rejection_reason as reason
    from {{ ref('stg_summary__customers') }}
    where rejection_reason is not null

),

duplicates as (

    select
        file,
        row_number,
        raw_row,
        'cust_id stands in another row as well, which was kept' as reason
    from {{ ref('int_summary_duplicate_customers') }}
    where duplicate_rank > 1

),

gathered as (

    select * from refused
    union all
    select * from duplicates

)

select
    'customer_summary' as source,
    file,
    row_number,
    raw_row,
    reason,
    cast(null as string) as measure,
    cast(null as decimal(18, 2)) as amount,
    true as counts_as_error
from gathered
