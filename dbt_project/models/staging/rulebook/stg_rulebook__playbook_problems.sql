with

plays as (

    select * from {{ ref('playbook') }}

),

conditions as (

    select * from {{ ref('stg_rulebook__conditions') }}

),

wanted as (

    select archetype from {{ ref('archetypes') }}
    union
    select 'none' as archetype

)

select 'playbook.csv: ' || archetype || ' stands there ' || count(*) || ' times; keep one' as problem
from plays
group by archetype
having count(*) > 1

union all
select 'playbook.csv: ' || wanted.archetype || ' is missing; add its row' as problem
from wanted
where
    not exists (
        select 1 from plays
        where plays.archetype = wanted.archetype
    )

union all
select 'playbook.csv: ' || archetype || ' is no archetype of archetypes.csv; correct the name' as problem
from plays
where
    not exists (
        select 1 from wanted
        where wanted.archetype = plays.archetype
    )

union all
select
    'playbook.csv: ' || archetype || ' has lever ' || coalesce(lever, 'empty') || ' and change '
    || coalesce(change, 'empty')
    || '; expected a lever ({{ levers() | join(", ") }}) and a share above -1, as 0.1, or neither' as problem
from plays
where
    (lever is null) != (change is null)
    or lever not in ('{{ levers() | join("', '") }}')
    or (change is not null and coalesce(try_cast(change as double), -1) <= -1)

union all
select
    'playbook.csv: ' || archetype || ' has loss_change ' || loss_change
    || '; expected a share from -1 to 1, as -0.2, or nothing' as problem
from plays
where loss_change is not null and not coalesce(abs(try_cast(loss_change as double)) <= 1, false)

union all
select
    'playbook.csv: ' || archetype || ' has kept ' || kept
    || '; expected a share from 0 to 1, as 0.05, or nothing' as problem
from plays
where kept is not null and not coalesce(try_cast(kept as double) between 0 and 1, false)

union all
select
    'playbook.csv: ' || archetype || ' has contact_kind ' || coalesce(contact_kind, 'empty')
    || '; expected {{ contact_kinds() | join(", ") }}, or nothing where there is no lever'
        as problem
from plays
where
    (contact_kind is null and lever is not null)
    or contact_kind not in (
        {% for kind in contact_kinds() %}
        '{{ kind }}'{{ ',' if not loop.last }}
        {% endfor %}
    )

union all
select
    'playbook.csv: ' || archetype || ' has includes_stressed ' || coalesce(includes_stressed, 'empty')
    || '; expected yes or no' as problem
from plays
where coalesce(includes_stressed, '') not in ('yes', 'no')

union all
select
    'playbook.csv: ' || archetype || ' has promotes_cash_advances ' || coalesce(promotes_cash_advances, 'empty')
    || '; expected yes or no' as problem
from plays
where coalesce(promotes_cash_advances, '') not in ('yes', 'no')

union all
select
    'playbook.csv: ' || archetype || ' promotes cash advances to people who rely on them already'
    || ' (their conditions say so); put no' as problem
from plays
where
    promotes_cash_advances = 'yes'
    and exists (
        select 1 from conditions
        where
            conditions.archetype = plays.archetype
            and conditions.feature in ('cash_advance', 'cash_advance_frequency', 'cash_advance_trx', 'cash_share')
            and conditions.lower_bound >= 0
    )

union all
select 'playbook.csv: ' || archetype || ' has no limit_increase; put no, or under which check' as problem
from plays
where coalesce(limit_increase, '') = ''
