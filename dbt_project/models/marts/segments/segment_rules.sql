select * from {{ ref('int_segment_rules') }}
