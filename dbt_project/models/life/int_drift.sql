{% set bins = baseline_bins() %}

-- How far this month is from the sample that the model in use learned from: of shares the population stability index
-- (python_models/baseline.py), of a mean how much it has grown, as a share. `chance` is what two samples of one
-- portfolio, as large as these, differ by once in a thousand times: 3.09 standard errors; the index is then
-- chi-squared, with a degree of freedom less than there are bins, times 1/n + 1/m (Yurdakul and Naranjo 2020), and its
-- quantile is that of Wilson and Hilferty's formula.
-- depends_on: {{ ref('model_in_use') }}
with

baseline as (

    {{ learned('baseline') }}

),

customers as (

    select * from {{ ref('model_input') }}

),

scores as (

    select * from {{ ref('customer_scores') }}

),

run as (

    {{ learned('run') }}

),

sizes as (

    select 1 / any_value(run.customers_trained_on) + 1 / count(*) as reciprocals
    from scores
    cross join run

),

counted as (

    select
        {% for bin in bins %}
        count(*) filter (
            {{ bin.feature }} is {{ 'null' if bin.number == 0 else 'not null' }}
            {% if bin.above is not none %}and {{ bin.feature }} > {{ bin.above }}{% endif %}
            {% if bin.up_to is not none %}and {{ bin.feature }} <= {{ bin.up_to }}{% endif %}
        ) as {{ bin.feature }}_{{ bin.number }},
        {% endfor %}
        count(*) as customers
    from customers

),

shares as (

    {% for bin in bins %}
    select
        'feature' as measure,
        '{{ bin.feature }}' as part,
        cast({{ bin.number }} as integer) as bin,
        {{ bin.feature }}_{{ bin.number }} / customers as value
    from counted
    union all
    {% endfor %}
    select
        'segments' as measure,
        cast(segment_id as string) as part,
        cast(null as integer) as bin,
        count(*) / sum(count(*)) over () as value
    from scores
    group by segment_id

),

-- A bin that was or is empty would make the index infinite: nobody is taken for one in ten thousand.
compared as (

    select
        baseline.measure,
        case when baseline.measure = 'feature' then baseline.part else '' end as part,
        greatest(baseline.value, 0.0001) as share_then,
        greatest(coalesce(shares.value, 0), 0.0001) as share_now
    from baseline
    left join shares
        on
            baseline.measure = shares.measure and baseline.part = shares.part
            and coalesce(baseline.bin, -1) = coalesce(shares.bin, -1)
    where baseline.measure in ('feature', 'segments')

),

means as (

    select
        'distance' as measure,
        avg(distance_to_centroid) as value,
        stddev_samp(distance_to_centroid) as spread
    from scores
    union all
    select
        'border' as measure,
        avg(
            case
                when distance_to_runner_up > 0 and 1 - distance_to_centroid / distance_to_runner_up >= 0.1 then 0
                else 1
            end
        ) as value,
        sqrt(value * (1 - value)) as spread
    from scores

),

networks as (

    select
        'reconstruction' as measure,
        any_value(autoencoders.mse) as value_then,
        avg(codes.reconstruction_error) as value_now,
        stddev_samp(codes.reconstruction_error) as spread
    from {{ ref('customer_codes') }} as codes
    inner join {{ ref('int_autoencoders') }} as autoencoders
        on codes.autoencoder = autoencoders.autoencoder and autoencoders.is_lead

),

indexes as (

    select
        measure,
        part,
        sum((share_now - share_then) * ln(share_now / share_then)) as drift,
        -- Bins that were and are empty tell nothing.
        greatest(count(*) filter (where share_then > 0.0001 or share_now > 0.0001) - 1, 1) as freedom
    from compared
    group by measure, part

)

select
    indexes.measure,
    indexes.part,
    case when indexes.measure = 'feature' then indexes.part end as feature,
    cast(null as double) as value_then,
    cast(null as double) as value_now,
    indexes.drift,
    sizes.reciprocals * indexes.freedom
    * power(1 - 2 / (9 * indexes.freedom) + 3.09 * sqrt(2 / (9 * indexes.freedom)), 3) as chance
from indexes
cross join sizes
union all
select
    baseline.measure,
    '' as part,
    cast(null as string) as feature,
    baseline.value as value_then,
    means.value as value_now,
    case
        when baseline.measure = 'border' then means.value - baseline.value
        when baseline.value > 0 then means.value / baseline.value - 1
    end as drift,
    3.09 * means.spread * sqrt(sizes.reciprocals)
    / case when baseline.measure = 'border' or baseline.value = 0 then 1 else baseline.value end as chance
from baseline
inner join means on baseline.measure = means.measure
cross join sizes
union all
select
    networks.measure,
    '' as part,
    cast(null as string) as feature,
    networks.value_then,
    networks.value_now,
    case when networks.value_then > 0 then networks.value_now / networks.value_then - 1 end as drift,
    3.09 * networks.spread * sqrt(sizes.reciprocals) / nullif(networks.value_then, 0) as chance
from networks
cross join sizes
where networks.value_now is not null
union all
select
    measure,
    part,
    feature,
    value_then,
    value_now,
    drift,
    chance
from {{ ref('int_month_change') }}
