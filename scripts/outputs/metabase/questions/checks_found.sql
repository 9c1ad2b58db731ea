select
    check_name,
    affected_rows
from marts.data_quality_checks
where
    affected_rows > 0
    [[and severity = {{severity}}]]
order by affected_rows desc, check_name
