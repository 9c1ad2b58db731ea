select * from {{ ref('int_quality_checks') }}
where severity = 'error' and affected_rows > 0
