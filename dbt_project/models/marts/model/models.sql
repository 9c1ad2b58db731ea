with

models as (

    select
        learned_at,
        used_from,
        used_until,
        verdict,
        unnest(run, recursive := true) -- noqa: AL03
    from {{ ref('int_models') }}

)

select
    model_id,
    case
        when used_from is null then 'challenger'
        when used_until is null then 'champion'
        else 'retired'
    end as status,

    learned_at,
    used_from,
    used_until,
    verdict,

    scaling,
    representation,
    k,
    customers_trained_on,
    silhouette,
    stability,
    is_stable,
    warning,
    relabelled as relabelled_share
from models
