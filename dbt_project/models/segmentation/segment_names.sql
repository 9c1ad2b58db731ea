-- A name from the two features that set a segment apart most. The number keeps names apart.
with

contrasts as (

    select * from {{ ref('segment_feature_contrasts') }}

),

ranked as (

    select
        *,
        replace(feature, '_', ' ') as feature_words,
        row_number() over (partition by segment_id order by abs(z_contrast) desc, feature) as contrast_rank
    from contrasts

),

worded as (

    select
        segment_id,
        string_agg(
            case when z_contrast >= 0 then 'high ' else 'low ' end || feature_words,
            ', ' order by contrast_rank
        ) filter (contrast_rank <= 2) as traits,
        string_agg(
            feature_words || ' ' || round(segment_mean, 2) || ' against ' || round(portfolio_mean, 2),
            '; ' order by contrast_rank
        ) filter (contrast_rank <= 3) as evidence
    from ranked
    group by segment_id

)

select
    segment_id,
    'Segment ' || segment_id || ': ' || traits as segment_name,
    'Set apart most by (mean of the segment against the portfolio): ' || evidence || '.' as description
from worded
