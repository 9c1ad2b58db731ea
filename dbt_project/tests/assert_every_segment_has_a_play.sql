select names.segment_id from {{ ref('segment_names') }} as names
left join {{ ref('segment_playbook') }} as plays on names.segment_id = plays.segment_id
left join {{ ref('segment_values') }} as amounts on names.segment_id = amounts.segment_id
where plays.segment_id is null or amounts.segment_id is null
