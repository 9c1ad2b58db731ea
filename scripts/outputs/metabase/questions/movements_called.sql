select
    movement,
    count(*) as customers
from marts.customer_movements
where movement is not null
group by movement
order by customers desc, movement
