-- A name is a claim: it must hold for the typical customer, whatever the rules say.
with

named as (

    select
        lower(names.segment_name) as name,
        names.archetype,
        names.segment_id,
        max(statistics.median) filter (where statistics.feature = 'prc_full_payment') as full_payment_median,
        max(statistics.mean) filter (where statistics.feature = 'prc_full_payment') as full_payment_mean,
        max(statistics.users_share) filter (where statistics.feature = 'cash_advance') as cash_users_share
    from {{ ref('segment_names') }} as names
    inner join {{ ref('segment_statistics') }} as statistics on names.segment_id = statistics.segment_id
    group by all

)

select * from named
where
    (
        (archetype = 'transactor' or regexp_matches(name, {{ word('guard.transactor') }}))
        and not full_payment_median > 0.5
    )
    or (regexp_matches(name, {{ word('guard.cash') }}) and not cash_users_share > 0.9)
    or (regexp_matches(name, {{ word('guard.revolver') }}) and not full_payment_mean < 0.5)
