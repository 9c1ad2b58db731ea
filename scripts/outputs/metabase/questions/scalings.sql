select distinct scaling
from marts.model_candidates
order by scaling
