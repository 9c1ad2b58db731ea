select
    campaign,
    created_at,
    status,
    segments,
    customers,
    eligible,
    contacted,
    held_out,
    cost_per_contact,
    smallest_uplift,
    power_at_expected,
    customers_needed,
    warning,
    model_id
from {{ source('intake', 'campaigns') }}
