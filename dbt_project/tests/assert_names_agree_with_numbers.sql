-- A name is a claim: it must hold for most of the segment's customers, whatever conditions and words a bank gives it.
-- One that was kept though it fits no longer is said to (segment_registry) and stays.
with

named as (

    select
        names.segment_id,
        names.segment_name,
        lower(names.segment_name) as name,
        names.archetype,
        max(statistics.mean) filter (where statistics.feature = 'pays_in_full') as pays_in_full,
        max(statistics.mean) filter (where statistics.feature = 'carries_balance') as carries_balance,
        max(statistics.mean) filter (where statistics.feature = 'behind_on_payments') as behind_on_payments,
        max(statistics.users_share) filter (where statistics.feature = 'cash_advance') as takes_cash
    from {{ ref('segment_names') }} as names
    inner join {{ ref('segment_statistics') }} as statistics on names.segment_id = statistics.segment_id
    where names.fits
    group by all

),

claims as (

    select
        segment_name,
        segment_id,
        0.5 as share_needed,
        'pay in full' as claim,
        pays_in_full as share_found
    from named
    where archetype = 'transactor' or regexp_matches(name, {{ word('guard.transactor') }})
    union all
    select
        segment_name,
        segment_id,
        0.5 as share_needed,
        'carry a balance' as claim,
        carries_balance as share_found
    from named
    where regexp_matches(name, {{ word('guard.revolver') }})
    union all
    select
        segment_name,
        segment_id,
        0.5 as share_needed,
        'are behind on payments' as claim,
        behind_on_payments as share_found
    from named
    where archetype = 'behind'
    union all
    select
        segment_name,
        segment_id,
        0.9 as share_needed,
        'take cash' as claim,
        takes_cash as share_found
    from named
    where regexp_matches(name, {{ word('guard.cash') }})

)

select
    segment_id,
    'Segment ' || segment_id || ' is called "' || segment_name || '", but '
    || coalesce(format('{:.0f}%', 100 * share_found), 'an unknown share') || ' of its customers ' || claim
    || ', where over ' || format('{:.0f}%', 100 * share_needed)
    || ' are needed; mend its conditions in dbt_project/seeds/archetype_conditions.csv or the name in the words.'
        as sentence
from claims
where coalesce(share_found, 0) <= share_needed
order by segment_id
