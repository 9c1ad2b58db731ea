select
    customer_id,
    from_segment_name,
    to_segment_name,
    cause,
    movement,
    what_changed,
    value_before,
    value_after
from marts.customer_movements
where
    true
    [[and (from_segment_name = {{segment}} or to_segment_name = {{segment}})]]
order by value_after desc nulls last, customer_id
limit 2000
