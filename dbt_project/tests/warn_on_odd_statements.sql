{{ config(severity='warn') }}

select * from {{ ref('int_quality_checks') }}
where severity = 'warn' and affected_rows > 0
