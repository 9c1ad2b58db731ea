-- How many went from where to where, month by month; this month's rows take the place of those that an earlier build of
-- it made. With the first month nothing is compared.
with

period as (

    select * from {{ ref('int_period') }}

),

flows as (

    select
        from_segment_id,
        to_segment_id,
        cause,
        count(*) as customers,
        avg(value_before) as value_before,
        avg(value_after) as value_after
    from {{ ref('int_customer_transitions') }}
    group by from_segment_id, to_segment_id, cause

)

select migration.*
from {{ source('state', 'segment_migration') }} as migration
inner join period on migration.as_of_date < period.as_of_date
union all by name
select
    coalesce(cast(flows.from_segment_id as string), flows.cause)
    || '>' || coalesce(cast(flows.to_segment_id as string), 'left')
    || case when flows.cause = 'model' then ' (model)' else '' end as flow,
    period.as_of_before,
    period.as_of_date,
    flows.from_segment_id,
    flows.to_segment_id,
    flows.cause,
    flows.customers,
    case
        when flows.from_segment_id is not null
            then flows.customers / sum(flows.customers) over (partition by flows.from_segment_id)
    end as share_of_from,
    flows.value_before,
    flows.value_after
from flows
inner join period on period.as_of_before is not null
