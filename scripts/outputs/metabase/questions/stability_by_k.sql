select
    k,
    stability
from marts.elbow_curve
where
    stability is not null
    [[and k <= {{largest_k}}]]
order by k
