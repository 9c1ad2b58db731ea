select * from {{ ref('int_rejected_rows') }}
