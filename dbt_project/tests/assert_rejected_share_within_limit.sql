-- Too many refused rows mean that the extract is not what it should be.
select * from {{ ref('int_load_audit') }}
where rows_in_error > {{ var('max_rejected_share') }} * rows_in
