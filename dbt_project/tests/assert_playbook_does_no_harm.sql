-- No higher limit for people under payment stress, no promotion of cash advances to those who rely on them.
with

cash as (

    select
        segment_id,
        users_share
    from {{ ref('segment_statistics') }}
    where feature = 'cash_advance'

)

select
    'dbt_project/seeds/playbook.csv: segment ' || plays.segment_id || ' ('
    || case
        when plays.is_under_payment_stress then 'under payment stress) is to get a higher credit limit; say no'
        else 'most have taken cash) is to be offered cash advances; say no'
    end
    || ' there.' as sentence
from {{ ref('segment_playbook') }} as plays
inner join cash on plays.segment_id = cash.segment_id
where
    (plays.is_under_payment_stress and plays.limit_increase != 'no')
    or (cash.users_share > 0.5 and plays.promotes_cash_advances != 'no')
order by plays.segment_id
