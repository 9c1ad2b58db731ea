-- What became of each segment where a new model came into use: everybody labelled by both, in the same month.
{% set most = 0.5 %}

with

period as (

    select * from {{ ref('int_period') }}

),

model as (

    select model_id from {{ ref('model_in_use') }}
    where is_new

),

lives as (

    select * from {{ ref('int_segment_lives') }}

),

pairs as (

    select
        earlier.segment_id as from_segment_id,
        later.segment_id as to_segment_id,
        count(*) as customers
    from {{ ref('customer_scores_before') }} as earlier
    inner join {{ ref('customer_scores') }} as later on earlier.customer_id = later.customer_id
    group by earlier.segment_id, later.segment_id

),

shared as (

    select
        *,
        customers / sum(customers) over (partition by from_segment_id) as share_of_from,
        customers / sum(customers) over (partition by to_segment_id) as share_of_to
    from pairs

),

told as (

    select
        shared.*,
        case
            when shared.from_segment_id = shared.to_segment_id then 'kept'
            when ended.retired_on is not null and shared.share_of_from >= {{ most }} then 'merged'
            when begun.born_with = model.model_id and shared.share_of_to >= {{ most }} then 'split'
            else 'moved'
        end as what
    from shared
    cross join model
    inner join lives as ended on shared.from_segment_id = ended.segment_id
    inner join lives as begun on shared.to_segment_id = begun.segment_id
    union all
    select
        cast(null as integer) as from_segment_id,
        lives.segment_id as to_segment_id,
        sum(shared.customers) as customers,
        null as share_of_from,
        1 as share_of_to,
        'new' as what
    from lives
    inner join model on lives.born_with = model.model_id
    inner join shared on lives.segment_id = shared.to_segment_id
    group by lives.segment_id
    union all
    select
        lives.segment_id as from_segment_id,
        cast(null as integer) as to_segment_id,
        sum(shared.customers) as customers,
        1 as share_of_from,
        null as share_of_to,
        'retired' as what
    from lives
    cross join model
    inner join shared on lives.segment_id = shared.from_segment_id
    where lives.retired_on is not null
    group by lives.segment_id

)

select
    lineage.model_id,
    lineage.as_of_date,
    lineage.flow,
    lineage.from_segment_id,
    lineage.to_segment_id,
    lineage.customers,
    lineage.share_of_from,
    lineage.share_of_to,
    lineage.what,
    lineage.name_before,
    lineage.name_after,
    false as is_new
from {{ source('state', 'segment_lineage') }} as lineage
inner join period on lineage.as_of_date <= period.as_of_date
left join model on lineage.model_id = model.model_id and lineage.as_of_date = period.as_of_date
where model.model_id is null
union all
select
    model.model_id,
    period.as_of_date,
    coalesce(cast(told.from_segment_id as string), 'new')
    || '>' || coalesce(cast(told.to_segment_id as string), 'retired') as flow,
    told.from_segment_id,
    told.to_segment_id,
    cast(told.customers as bigint) as customers,
    told.share_of_from,
    told.share_of_to,
    told.what,
    cast(null as string) as name_before,
    cast(null as string) as name_after,
    true as is_new
from told
cross join model
cross join period
