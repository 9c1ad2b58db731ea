select
    trained_at,
    model_id,
    k,
    scaling,
    representation,
    customers,
    silhouette,
    stability,
    reason,
    warning
from marts.model_runs
order by trained_at desc
limit 1
