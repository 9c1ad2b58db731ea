select count(*) as customers
from marts.customer_segments
where status = 'suppressed'
