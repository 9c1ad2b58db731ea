select
    campaign || ': ' || segment_name
        || case when compared_with = 'holdout' and arm = 'treatment' then '' else ', ' || arm || ' / ' || compared_with end
        as segment_name,
    uplift
from marts.campaign_results
where
    is_latest
    [[and campaign = {{campaign}}]]
order by measured_at desc, campaign, segment_id nulls first, arm, compared_with
