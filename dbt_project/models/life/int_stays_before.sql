{{ config(materialized='view') }}

-- Every stay as it was before this month: what a build of this month or of a later one has changed is undone. Of those
-- who object nothing is left. Where nothing was kept yet, the stays begin with what is published.
with

published as (

    select
        customer_id,
        segment_id,
        model_id,
        valid_from,
        valid_to,
        began_by
    from {{ source('state', 'segment_history') }}
    union all
    select
        customers.customer_id,
        customers.segment_id,
        in_use.model_id,
        customers.as_of_date as valid_from,
        cast(null as date) as valid_to,
        'joined' as began_by
    from {{ source('state', 'last_customers') }} as customers
    left join {{ source('state', 'models') }} as in_use
        on in_use.used_from is not null and in_use.used_until is null
    where not exists (select 1 from {{ source('state', 'segment_history') }})

)

select
    stays.customer_id,
    stays.segment_id,
    stays.model_id,
    stays.valid_from,
    case when stays.valid_to < period.as_of_date then stays.valid_to end as valid_to,
    stays.began_by
from published as stays
inner join {{ ref('int_period') }} as period on stays.valid_from < period.as_of_date
where
    not exists (
        select 1 from {{ source('intake', 'objections') }} as objections
        where objections.customer_id = stays.customer_id
    )
