select
    segment_profiles.segment_name,
    segment_profiles.payment_words,
    segment_profiles.description,
    segment_playbook.objective,
    segment_playbook.offer,
    segment_playbook.channel,
    segment_playbook.avoid,
    segment_playbook.success_measure
from marts.segment_profiles
inner join marts.segment_playbook
    on segment_profiles.segment_id = segment_playbook.segment_id
where
    1 = 1
    [[and segment_profiles.segment_name = {{segment}}]]
order by segment_profiles.segment_id
