select * from {{ ref('int_load_audit') }}
