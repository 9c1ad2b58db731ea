select
    scaling,
    representation,
    k,
    silhouette,
    stability,
    smallest_share,
    is_valid,
    is_chosen,
    reason
from marts.model_candidates
where
    1 = 1
    [[and k <= {{largest_k}}]]
    [[and scaling = {{scaling}}]]
    [[and representation = {{representation}}]]
order by is_chosen desc, scaling, representation, k
