select customers.customer_id
from {{ ref('customer_features') }} as customers
left join {{ ref('customer_segments') }} as segments on customers.customer_id = segments.customer_id
where segments.segment_id is null
