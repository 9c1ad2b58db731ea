select
    segment_name,
    interest,
    interchange,
    cash_advance_fees,
    late_fees,
    rewards,
    funding,
    expected_loss,
    servicing
from marts.segment_values
order by segment_id
