{% set fewest = 10 %}

-- For fair-lending review only: no model reads it. Groups so small that they point at people show no number.
with

segments as (

    select
        customer_id,
        segment_id
    from {{ ref('customer_scores') }}

),

given as (

    select * from {{ ref('int_protected_traits') }}

),

kinds as (

    select
        trait,
        -- Ages and the like go into bands of ten.
        count(distinct value) > 12
        and bool_and(value is null or try_cast(value as double) is not null) as is_banded
    from given
    group by trait

),

banded as (

    select
        given.customer_id,
        given.trait,
        case
            when given.value is null then 'unknown'
            when kinds.is_banded
                then
                    cast(floor(cast(given.value as double) / 10) * 10 as bigint)
                    || ' to ' || cast(floor(cast(given.value as double) / 10) * 10 + 9 as bigint)
            else given.value
        end as value
    from given
    inner join kinds on given.trait = kinds.trait

),

counted as (

    select
        segments.segment_id,
        banded.trait,
        banded.value,
        count(*) as customers
    from banded
    inner join segments on banded.customer_id = segments.customer_id
    group by segments.segment_id, banded.trait, banded.value

),

shared as (

    select
        *,
        customers / sum(customers) over (partition by segment_id, trait) as share_of_segment,
        sum(customers) over (partition by trait, value) / sum(customers) over (partition by trait)
            as share_of_portfolio
    from counted

)

select
    segment_id,
    trait,
    value,

    case when customers >= {{ fewest }} then customers end as customers,
    case when customers >= {{ fewest }} then share_of_segment end as share_of_segment,
    share_of_portfolio,
    case when customers >= {{ fewest }} then share_of_segment / share_of_portfolio end as representation_ratio
from shared
