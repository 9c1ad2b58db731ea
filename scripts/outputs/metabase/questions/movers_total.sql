select count(*) as customers
from marts.customer_movements
where cause = 'behaviour'
