select
    check_name,
    severity,
    affected_rows,
    meaning,
    example_ids
from marts.data_quality_checks
where
    1 = 1
    [[and severity = {{severity}}]]
order by affected_rows desc, check_name
