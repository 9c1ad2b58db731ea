select * from {{ ref('int_segment_history') }}
