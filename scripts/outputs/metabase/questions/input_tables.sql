select distinct source
from marts.load_audit
order by source
