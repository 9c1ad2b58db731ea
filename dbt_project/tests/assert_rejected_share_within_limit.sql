-- Too many refused rows mean that the extract is not what it should be.
with

worst as (

    select
        source,
        rows_in,
        rows_in_error
    from {{ ref('int_load_audit') }}
    where rows_in_error > {{ var('max_rejected_share') }} * rows_in
    order by rows_in_error / rows_in desc, source asc
    limit 1

),

reasons as (

    select
        rejected.source,
        rejected.reason,
        count(*) as row_count,
        row_number() over (order by count(*) desc, rejected.reason) as place
    from {{ ref('int_rejected_rows') }} as rejected
    inner join worst on rejected.source = worst.source
    where rejected.counts_as_error
    group by rejected.source, rejected.reason

)

select
    any_value(worst.source) || ': ' || format('{:,}', any_value(worst.rows_in_error)) || ' of '
    || format('{:,}', any_value(worst.rows_in)) || ' rows ('
    || format('{:.1f}', 100 * any_value(worst.rows_in_error) / any_value(worst.rows_in))
    || '%) were refused, more than MAX_REJECTED_SHARE allows: '
    || string_agg(reasons.reason || ' (' || reasons.row_count || ')', '; ' order by reasons.place) || '.'
        as sentence,
    'marts.rejected_rows' as rows_stand_in
from worst
inner join reasons on worst.source = reasons.source
where reasons.place <= 3
having count(*) > 0
