select distinct status
from marts.customer_segments
order by status
