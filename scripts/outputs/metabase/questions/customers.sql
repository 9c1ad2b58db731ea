select
    customer_segments.customer_id,
    customer_segments.status,
    customer_segments.segment_name,
    customer_segments.confidence,
    customer_values.value_base
from marts.customer_segments
left join marts.customer_values
    on customer_segments.customer_id = customer_values.customer_id
where
    1 = 1
    [[and customer_segments.segment_name = {{segment}}]]
    [[and customer_segments.status = {{status}}]]
    [[and customer_segments.confidence >= {{least_confidence}}]]
order by customer_values.value_base desc, customer_segments.customer_id
limit 2000
