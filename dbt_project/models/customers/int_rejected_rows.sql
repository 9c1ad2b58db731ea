with

unreadable as (

    select
        source,
        file,
        row_number,
        raw_row,
        reason,
        cast(null as string) as measure,
        cast(null as decimal(18, 2)) as amount,
        true as counts_as_error
    from {{ source('intake', 'unreadable_rows') }}

),

refused as (

    select * from {{ of_kind('rejected_rows') }}

)

select * from unreadable
union all
select * from refused
