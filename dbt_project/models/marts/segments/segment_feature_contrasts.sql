with

statistics as (

    select * from {{ ref('segment_statistics') }}

)

select
    segment_id,
    feature,
    unit,

    mean as segment_mean,
    portfolio_mean,
    z_contrast
from statistics
where is_feature
