select
    segment_profiles.segment_id,
    segment_profiles.segment_name,
    segment_profiles.customers,
    segment_profiles.customer_share,
    segment_values.value_base,
    segment_values.total_base,
    segment_values.share_of_total,
    segment_profiles.stability,
    segment_profiles.traits
from marts.segment_profiles
inner join marts.segment_values
    on segment_profiles.segment_id = segment_values.segment_id
order by segment_profiles.segment_id
