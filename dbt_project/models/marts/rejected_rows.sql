with

unreadable as (

    select
        source,
        file,
        row_number,
        raw_row,
        reason,
        cast(null as varchar) as measure,
        cast(null as decimal(18, 2)) as amount,
        true as counts_as_error
    from {{ source('intake', 'unreadable_rows') }}

),

{% if var('source_kind') == 'summary' %}
customers as (

    select
        'customer_summary' as source,
        file,
        row_number,
        raw_row,
        rejection_reason as reason,
        cast(null as varchar) as measure,
        cast(null as decimal(18, 2)) as amount,
        true as counts_as_error
    from {{ ref('stg_summary__customers') }}
    where rejection_reason is not null

),

duplicate_customers as (

    select
        'customer_summary' as source,
        file,
        row_number,
        raw_row,
        'cust_id stands in another row as well, which was kept' as reason,
        cast(null as varchar) as measure,
        cast(null as decimal(18, 2)) as amount,
        true as counts_as_error
    from {{ ref('int_summary_duplicate_customers') }}
    where duplicate_rank > 1

),

gathered as (

    select * from unreadable
    union all
    select * from customers
    union all
    select * from duplicate_customers

)
{% else %}
ledger as (

    select * from {{ ref('int_ledger_rejected_rows') }}

),

gathered as (

    select * from unreadable
    union all
    select * from ledger

)
{% endif %}

select * from gathered
