-- Rows of each input table, then its money by kind; then how many customers of the input were forgotten: their rows and
-- money are in the lines above, and nothing else is left of them.
with

rows_in_files as (

    select
        source,
        string_agg(file, ', ' order by file) as files,
        sum(rows) as rows_in
    from {{ source('intake', 'inputs') }}
    group by source

),

refused as (

    select
        source,
        count(*) as rows_rejected,
        count(*) filter (where counts_as_error) as rows_in_error
    from {{ ref('int_rejected_rows') }}
    group by source

),

accepted as (

    select * from {{ of_kind('accepted_rows') }}

),

-- Of a table that is not there, no money is known.
money as (

    select money_of_tables.*
    from {{ of_kind('money') }} as money_of_tables
    inner join rows_in_files on money_of_tables.source = rows_in_files.source

),

forgotten as (

    select count(distinct customer_id) as customers
    from {{ source('intake', 'objections') }}
    where is_forgotten

)

select
    rows_in_files.source,
    'rows' as measure,
    cast(rows_in_files.files as string) as files,

    cast(rows_in_files.rows_in as bigint) as rows_in,
    cast(accepted.rows_accepted as bigint) as rows_accepted,
    cast(coalesce(refused.rows_rejected, 0) as bigint) as rows_rejected,
    cast(coalesce(refused.rows_in_error, 0) as bigint) as rows_in_error,

    cast(null as decimal(28, 6)) as amount_in,
    cast(null as decimal(28, 6)) as amount_in_features,
    cast(null as decimal(28, 6)) as amount_outside_window,
    cast(null as decimal(28, 6)) as amount_rejected,
    cast(null as bigint) as amounts_unknown
from rows_in_files
inner join accepted on rows_in_files.source = accepted.source
left join refused on rows_in_files.source = refused.source
union all
select
    source,
    measure,
    cast(null as string) as files,

    cast(null as bigint) as rows_in,
    cast(null as bigint) as rows_accepted,
    cast(null as bigint) as rows_rejected,
    cast(null as bigint) as rows_in_error,

    cast(amount_in as decimal(28, 6)) as amount_in,
    cast(amount_in_features as decimal(28, 6)) as amount_in_features,
    cast(amount_outside_window as decimal(28, 6)) as amount_outside_window,
    cast(amount_rejected as decimal(28, 6)) as amount_rejected,
    cast(amounts_unknown as bigint) as amounts_unknown
from money
union all
select
    'customers' as source,
    'forgotten' as measure,
    cast(null as string) as files,

    cast(customers as bigint) as rows_in,
    cast(customers as bigint) as rows_accepted,
    cast(0 as bigint) as rows_rejected,
    cast(0 as bigint) as rows_in_error,

    cast(null as decimal(28, 6)) as amount_in,
    cast(null as decimal(28, 6)) as amount_in_features,
    cast(null as decimal(28, 6)) as amount_outside_window,
    cast(null as decimal(28, 6)) as amount_rejected,
    cast(null as bigint) as amounts_unknown
from forgotten
where customers > 0
