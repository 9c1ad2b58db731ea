select * from {{ ref('data_quality_checks') }}
where severity = 'error' and affected_rows > 0
