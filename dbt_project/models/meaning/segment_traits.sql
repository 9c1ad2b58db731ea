{% set families = trait_families() %}

-- What sets a segment apart from the portfolio, the strongest of each family of features, in words.
with

statistics as (

    select
        *,
        case feature
            {% for name, family in families.items() %}
            when '{{ name }}' then '{{ family }}'
            {% endfor %}
            else feature
        end as family
    from {{ ref('segment_statistics') }}
    where is_feature and z_contrast is not null

),

strongest as (

    select * from statistics
    qualify row_number() over (partition by segment_id, family order by abs(z_contrast) desc, feature) = 1

),

labelled as (

    select
        strongest.*,
        words.text as feature_words,
        replace(
            case
                when strongest.z_contrast >= 0 then {{ word('trait.high') }}
                else {{ word('trait.low') }}
            end,
            '{feature}', words.text
        ) as short_text,
        -- Cash in a name says that nearly all take it, whatever else the segment is.
        strongest.family != 'cash_advance' or (strongest.z_contrast > 0 and strongest.users_share > 0.9)
            as may_be_in_name
    from strongest
    inner join {{ ref('stg_rulebook__words') }} as words on 'feature.' || strongest.feature = words.key

)

select
    segment_id,
    feature,
    family,
    unit,

    z_contrast,
    short_text,
    replace(
        replace(
            replace({{ word('trait.evidence') }}, '{feature}', feature_words),
            '{segment}', {{ worded_number('mean', 'unit') }}
        ),
        '{portfolio}', {{ worded_number('portfolio_mean', 'unit') }}
    ) as evidence,
    may_be_in_name,
    row_number() over (partition by segment_id order by abs(z_contrast) desc, feature) as trait_rank
from labelled
