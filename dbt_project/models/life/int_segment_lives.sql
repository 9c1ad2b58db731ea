-- Every segment that there ever was: since when, and until when. An id is never given again; a colour is, once the
-- segment that had it is retired.
with

known as (

    select * from {{ source('state', 'segment_registry') }}
    union all by name
    -- What an earlier release published had no registry.
    select
        customers.segment_id,
        customers.segment_id - 1 as colour,
        min(customers.as_of_date) as born_on
    from {{ source('state', 'last_customers') }} as customers
    where not exists (select 1 from {{ source('state', 'segment_registry') }})
    group by customers.segment_id

),

in_use as (

    {{ learned('segments') }}

),

fresh as (

    select
        in_use.segment_id,
        row_number() over (order by in_use.segment_id) as place
    from in_use
    where in_use.segment_id not in (select known.segment_id from known)

),

free_colours as (

    select
        colour,
        row_number() over (order by colour) as place
    from (select cast(unnest(range(2000)) as integer) as colour) as colours
    where
        colour not in (
            select known.colour from known
            where known.colour is not null and known.segment_id in (select in_use.segment_id from in_use)
        )

)

select
    known.segment_id,
    known.archetype,
    known.qualifier,
    known.name_language,
    known.segment_name,
    known.colour,
    known.born_on,
    known.born_with,
    case
        when in_use.segment_id is not null then null
        else coalesce(known.retired_on, period.as_of_date)
    end as retired_on
from known
cross join {{ ref('int_period') }} as period
left join in_use on known.segment_id = in_use.segment_id
union all
select
    fresh.segment_id,
    cast(null as string) as archetype,
    cast(null as string) as qualifier,
    cast(null as string) as name_language,
    cast(null as string) as segment_name,
    free_colours.colour,
    period.as_of_date as born_on,
    model_in_use.model_id as born_with,
    cast(null as date) as retired_on
from fresh
inner join free_colours on fresh.place = free_colours.place
cross join {{ ref('int_period') }} as period
cross join {{ ref('model_in_use') }} as model_in_use
