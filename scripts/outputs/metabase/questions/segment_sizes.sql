select
    segment_name,
    customers
from marts.segment_profiles
order by customers desc, segment_id
