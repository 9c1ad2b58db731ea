select
    campaign || ': ' || segment_name || coalesce(', ' || comparison, '') as segment_name,
    uplift
from marts.campaign_results
where
    is_latest
    [[and campaign = {{campaign}}]]
order by measured_at desc, campaign, segment_id nulls first, arm, compared_with
