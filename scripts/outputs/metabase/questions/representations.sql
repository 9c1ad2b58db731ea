select distinct representation
from marts.model_candidates
order by representation
