select count(*) as segments
from marts.segment_profiles
