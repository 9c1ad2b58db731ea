select
    segment_name,
    value_base
from marts.segment_values
order by value_base desc, segment_id
