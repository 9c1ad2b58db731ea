{% set names = feature_names() + (indicators() | map('first') | list) %}

-- Of the portfolio only what segments are held against: its medians alone would take a third of the time. The linter
-- takes a struct for a table:
-- noqa: disable=RF01
with

customers as (

    select
        scores.segment_id,
        -- The linter takes a star for a name without its table.
        indicators.* exclude (customer_id) -- noqa: RF02
    from {{ ref('customer_indicators') }} as indicators
    inner join {{ ref('customer_scores') }} as scores on indicators.customer_id = scores.customer_id

),

by_segment as (

    select
        {% for name in names %}
        {
            'mean': avg({{ name }}),
            'median': median({{ name }}),
            'users_share': avg(cast({{ name }} > 0 as integer))
        } as {{ name }},
        {% endfor %}
        segment_id,
        count(*) as customers
    from customers
    group by segment_id

),

of_all as (

    select
        {% for name in names %}
        {
            'mean': avg({{ name }}),
            'deviation': stddev_pop({{ name }})
        } as {{ name }},
        {% endfor %}
        count(*) as customers
    from customers

),

segments as (

    select * from by_segment
    unpivot include nulls (
        statistics for feature in (
            {% for name in names %}
            {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        )
    )

),

portfolio as (

    select * from of_all
    unpivot include nulls (
        statistics for feature in (
            {% for name in names %}
            {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        )
    )

)

select
    segments.segment_id,
    segments.feature,
    case segments.feature
        {% for unit in ('money', 'share', 'months', 'count') %}
        {% for name in feature_names(unit=unit) %}
        when '{{ name }}' then '{{ unit }}'
        {% endfor %}
        {% endfor %}
        {% for name, _, unit in indicators() %}
        when '{{ name }}' then '{{ unit }}'
        {% endfor %}
    end as unit,
    segments.feature in (
        {% for name in feature_names() %}
        '{{ name }}'{{ ',' if not loop.last }}
        {% endfor %}
    ) as is_feature,
    segments.customers,

    segments.statistics.mean,
    segments.statistics.median,
    segments.statistics.users_share,
    portfolio.statistics.mean as portfolio_mean,
    -- Nothing against nothing is the same; something against nothing cannot be; of what is unknown nothing is said.
    case
        when portfolio.statistics.mean = 0 then 1
        else segments.statistics.mean / portfolio.statistics.mean
    end as mean_ratio,
    -- A measure that is the same for everyone sets nobody apart.
    case
        when portfolio.statistics.deviation = 0 then 0
        else (segments.statistics.mean - portfolio.statistics.mean) / portfolio.statistics.deviation
    end as z_contrast
from segments
inner join portfolio on segments.feature = portfolio.feature
