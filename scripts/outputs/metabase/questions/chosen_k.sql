select k
from marts.elbow_curve
where is_chosen
