-- A model that reads a feature of which nothing is known would label by what it fills in.
select
    'MODEL=' || models.model_id || ': was learned with other features than the input knows (unknown were '
    || coalesce(nullif(models.unknown_features, ''), 'none') || ', now '
    || coalesce(nullif(plan.unknown_features, ''), 'none') || '), so it cannot label; learn anew by make retrain.'
        as sentence
from {{ ref('int_learning_plan') }} as plan
inner join {{ source('state', 'models') }} as models on plan.promoted = models.model_id
where models.unknown_features != plan.unknown_features
