select
    k,
    inertia
from marts.elbow_curve
where
    1 = 1
    [[and k <= {{largest_k}}]]
order by k
