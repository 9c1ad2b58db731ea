select
    campaign,
    created_at,
    status,
    segments,
    contacted,
    held_out,
    smallest_uplift,
    warning
from marts.campaigns
where
    true
    [[and campaign = {{campaign}}]]
order by created_at desc, campaign
