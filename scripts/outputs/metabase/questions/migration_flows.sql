select
    as_of_date,
    from_segment_name,
    to_segment_name,
    cause,
    customers,
    share_of_from,
    value_before,
    value_after
from marts.segment_migration
where
    cause != 'stayed'
    [[and (from_segment_name = {{segment}} or to_segment_name = {{segment}})]]
order by as_of_date desc, customers desc, from_segment_name, to_segment_name
