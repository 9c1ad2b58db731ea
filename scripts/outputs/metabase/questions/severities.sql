select distinct severity
from marts.data_quality_checks
order by severity
