{% set features = feature_names('money') + ['prc_full_payment'] %}

-- What the newest month did: two windows of twelve months, one a month after the other, differ by the newest month
-- and by the same month a year before. So twelve times the change of a feature's mean is how much the one differs from
-- the other, as a share of a usual month, seasons apart. Of everybody, and of each segment the feature in which it
-- stands out most. Frequencies would say the same again.
with

period as (

    select * from {{ ref('int_period') }}

),

by_segment as (

    select
        {% for name in features -%}
        count(later.{{ name }} - earlier.{{ name }}) as {{ name }}_customers,
        sum(earlier.{{ name }}) filter (where later.{{ name }} is not null) as {{ name }}_before,
        sum(later.{{ name }}) filter (where earlier.{{ name }} is not null) as {{ name }}_now,
        sum(power(later.{{ name }} - earlier.{{ name }}, 2)) as {{ name }}_squares,
        {% endfor -%}
        earlier.segment_id
    from {{ ref('model_input') }} as later
    inner join {{ ref('int_customers_before') }} as earlier on later.customer_id = earlier.customer_id
    inner join period on date_diff('month', period.as_of_before, period.as_of_date) = 1
    -- Both windows are whole.
    where coalesce(earlier.tenure, 12) = 12 and coalesce(later.tenure, 12) = 12
    group by earlier.segment_id

),

by_feature as (

    {% for name in features -%}
    select
        '{{ name }}' as feature,
        segment_id,
        {{ name }}_customers as customers,
        {{ name }}_before as total_before,
        {{ name }}_now as total_now,
        {{ name }}_squares as squares
    from by_segment
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

everybody_too as (

    select * from by_feature
    union all
    select
        feature,
        cast(null as integer) as segment_id,
        sum(customers) as customers,
        sum(total_before) as total_before,
        sum(total_now) as total_now,
        sum(squares) as squares
    from by_feature
    group by feature

),

summed as (

    select
        feature,
        segment_id,
        customers,
        total_before / customers as value_before,
        total_now / customers as value_now,
        -- What chance does to the mean of as many differences: its standard error, were it 0.
        sqrt(squares) / customers as standard_error
    from everybody_too
    where customers > 0

),

-- A segment that hardly has a feature is held against everybody.
compared as (

    select
        *,
        greatest(
            value_before, max(value_before) filter (where segment_id is null) over (partition by feature)
        ) as usual
    from summed

),

measured as (

    select
        *,
        12 * abs(value_now - value_before) / usual as drift,
        -- Four standard errors, since several features of several segments are looked at each month.
        12 * 4 * standard_error / usual as chance
    from compared
    -- Of few customers one is enough to look like many.
    where usual > 0 and customers >= 30

),

ranked as (

    select
        *,
        row_number() over (
            partition by segment_id order by drift / nullif(chance, 0) desc nulls last, feature asc
        ) as place
    from measured

)

select
    case when segment_id is null then 'month' else 'month_of_segment' end as measure,
    case when segment_id is null then feature else cast(segment_id as string) end as part,
    feature,
    value_before as value_then,
    value_now,
    drift,
    chance
from ranked
where segment_id is null or place = 1
