{% set now = "cast('" ~ run_started_at.strftime("%Y-%m-%d %H:%M:%S") ~ "' as timestamp)" %}

-- Every model that was ever learned, and since when each is in use: a build changes that of two at most.
with

plan as (

    select * from {{ ref('int_learning_plan') }}

),

trained as (

    select * from {{ ref('trained_model') }}

),

known as (

    select * from {{ source('state', 'models') }}

),

in_use as (

    select
        coalesce(
            plan.promoted,
            trained.model_id,
            plan.model_before
        ) as model_id,
        plan.model_before
    from plan
    left join trained on trained.is_in_use

),

-- The linter takes a star for a name without its table.
models as (

    select
        trained.* exclude (is_in_use) replace ( -- noqa: RF02
            coalesce(known.learned_at, {{ now }}) as learned_at,
            known.used_from as used_from,
            known.used_until as used_until
        )
    from trained
    left join known on trained.model_id = known.model_id
    union all by name
    select * from known
    where model_id not in (select trained.model_id from trained)

)

select
    models.* replace ( -- noqa: RF02
        case
            when models.model_id = in_use.model_id and coalesce(in_use.model_id != in_use.model_before, true)
                then {{ now }}
            else models.used_from
        end as used_from,
        case
            when models.model_id = in_use.model_id then null
            when models.model_id = in_use.model_before then {{ now }}
            else models.used_until
        end as used_until
    )
from models
cross join in_use
