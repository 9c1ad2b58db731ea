select lower(segment_name) as name from {{ ref('segment_names') }}
group by name
having count(*) > 1
