select sum(total_base) as total_base
from marts.segment_values
where
    1 = 1
    [[and segment_name = {{segment}}]]
