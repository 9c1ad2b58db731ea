with

curve as (

    {{ learned('curve') }}

)

select
    k,
    inertia,
    silhouette,
    davies_bouldin,
    calinski_harabasz,
    gap,
    gap_error,
    stability,
    is_elbow,
    is_chosen
from curve
