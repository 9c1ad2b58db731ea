select count(*) as customers
from marts.customer_segments
where
    status = 'segmented'
    [[and segment_name = {{segment}}]]
