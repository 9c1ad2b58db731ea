select
    campaign,
    segment_name,
    arm,
    compared_with,
    contacted,
    held_out,
    uplift,
    uplift_low,
    uplift_high,
    net_value,
    net_value_low,
    net_value_high,
    words
from marts.campaign_results
where
    is_latest
    [[and campaign = {{campaign}}]]
order by measured_at desc, campaign, segment_id nulls first, arm, compared_with
