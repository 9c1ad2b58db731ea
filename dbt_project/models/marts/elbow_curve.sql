with

candidates as (

    select * from {{ ref('model_candidates') }}

)

select
    k,

    inertia,
    silhouette,
    davies_bouldin,
    calinski_harabasz,
    stability,

    is_elbow,
    is_chosen
from candidates
order by k
