-- Campaigns, report and workbook take a segment's action and value from there.
with

bare as (

    select
        names.segment_id,
        names.segment_name
    from {{ ref('segment_names') }} as names
    left join {{ ref('segment_playbook') }} as plays on names.segment_id = plays.segment_id
    left join {{ ref('segment_values') }} as amounts on names.segment_id = amounts.segment_id
    where plays.segment_id is null or amounts.segment_id is null

)

select
    'Segment ' || segment_id || ', ' || segment_name || ', has no row in dbt_project/seeds/playbook.csv, or no value; '
    || 'give its archetype one.' as sentence
from bare
order by segment_id
