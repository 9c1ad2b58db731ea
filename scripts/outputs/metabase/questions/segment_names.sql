select segment_name
from marts.segment_profiles
order by segment_id
