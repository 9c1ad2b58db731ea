select
    k,
    silhouette
from marts.elbow_curve
where
    silhouette is not null
    [[and k <= {{largest_k}}]]
order by k
