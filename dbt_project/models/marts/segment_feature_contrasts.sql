with

features as (

    select * from {{ ref('model_input') }}

),

scores as (

    select
        customer_id,
        segment_id
    from {{ ref('customer_scores') }}

),

labelled as (

    select
        scores.segment_id,
        features.* exclude (customer_id) -- noqa: RF02
    from features
    inner join scores on features.customer_id = scores.customer_id

),

segment_means as (

    select
        segment_id,
        avg(columns(* exclude (segment_id)))
    from labelled
    group by segment_id

),

portfolio_means as (

    select avg(columns(* exclude (segment_id))) from labelled

),

portfolio_deviations as (

    select stddev_pop(columns(* exclude (segment_id))) from labelled

),

long_segments as (

    select * from segment_means
    unpivot include nulls (segment_mean for feature in (columns(* exclude (segment_id))))

),

long_means as (

    select * from portfolio_means
    unpivot include nulls (portfolio_mean for feature in (columns(*)))

),

long_deviations as (

    select * from portfolio_deviations
    unpivot include nulls (portfolio_deviation for feature in (columns(*)))

)

select
    long_segments.segment_id,
    long_segments.feature,

    long_segments.segment_mean,
    long_means.portfolio_mean,
    -- A feature that is the same for everyone sets nobody apart.
    coalesce(
        (long_segments.segment_mean - long_means.portfolio_mean)
        / nullif(long_deviations.portfolio_deviation, 0),
        0
    ) as z_contrast
from long_segments
inner join long_means on long_segments.feature = long_means.feature
inner join long_deviations on long_segments.feature = long_deviations.feature
