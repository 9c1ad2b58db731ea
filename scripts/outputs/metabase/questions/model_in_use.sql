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
order by run_number desc
limit 1
