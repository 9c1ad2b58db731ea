select customers.customer_id
from {{ ref('int_customer_features') }} as customers
left join {{ ref('customer_scores') }} as segments on customers.customer_id = segments.customer_id
where segments.segment_id is null
