select
    as_of_date,
    to_segment_name as segment_name,
    sum(customers * value_after) / sum(customers) as value_base
from marts.segment_migration
where to_segment_id is not null
group by as_of_date, to_segment_name
order by as_of_date, segment_name
