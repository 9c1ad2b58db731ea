select
    segment_profiles.segment_name,
    segment_rules.rule,
    segment_rules.rule_text,
    segment_rules.customers_matched,
    segment_rules.precision_share,
    segment_rules.recall_share
from marts.segment_rules
inner join marts.segment_profiles
    on segment_rules.segment_id = segment_profiles.segment_id
where
    1 = 1
    [[and segment_profiles.segment_name = {{segment}}]]
order by segment_rules.segment_id, segment_rules.rule
