select
    segment_name,
    total_base
from marts.segment_values
order by total_base desc, segment_id
