{% set statistics = ['mean', 'median', 'users_share', 'mean_ratio'] %}
{% set measures = feature_names() + (indicators() | map('first') | list) %}
{% set words_file = 'words_' ~ var('language') %}

-- What is wrong with the seeds that a bank edits, a sentence a row; with any the build stops before it
-- learns. Sentences stand whole and each check on its own, so lines are long and subqueries have no names:
-- noqa: disable=LT02,LT05,LT14,RF02,RF04,AL10,ST05
with

archetypes as (

    select * from {{ ref('archetypes') }}

),

conditions as (

    select
        *,
        try_cast(above as double) as lower_bound,
        try_cast(below as double) as upper_bound,
        'archetype_conditions.csv: ' || archetype || ', ' || feature || ' ' || statistic as place
    from {{ ref('archetype_conditions') }}

),

condition_sets as (

    select
        archetype,
        string_agg(
            concat_ws(' ', feature, statistic, coalesce(above, ''), coalesce(below, '')), '; '
            order by feature, statistic
        ) as condition_set
    from conditions
    group by archetype

),

plays as (

    select * from {{ ref('playbook') }}

),

assumptions as (

    select
        *,
        try_cast(low as double) as low_value,
        try_cast(base as double) as base_value,
        try_cast(high as double) as high_value,
        'economics_assumptions.csv: ' || assumption as place
    from {{ ref('economics_assumptions') }}
    where assumption != 'currency'

),

terms as (

    {% for name, unit, direction in economics_terms() %}
    select '{{ name }}' as assumption, '{{ unit }}' as kind, {{ direction }} as direction
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

words as (

    select * from {{ ref(words_file) }}

),

known_placeholders as (

    select unnest(['{customers}', '{customer_share}', '{currency}', '{traits}']) as placeholder
    union all
    select '{' || measure || '.' || statistic || '}' as placeholder
    from (select unnest(['{{ measures | join("', '") }}']) as measure)
    cross join (select unnest(['mean', 'median', 'users_share']) as statistic)

),

problems as (

    select 'archetypes.csv: ' || archetype || ' stands there ' || count(*) || ' times; keep one' as problem
    from archetypes
    group by archetype
    having count(*) > 1

    union all
    select
        'archetypes.csv: ' || archetype || ' has priority ' || coalesce(priority, '(empty)')
        || '; expected a whole number' as problem
    from archetypes
    where try_cast(priority as integer) is null

    union all
    select
        'archetypes.csv: ' || string_agg(archetype, ' and ' order by archetype) || ' share priority '
        || priority || ', so which one counts is not said; give each its own' as problem
    from archetypes
    group by priority
    having count(distinct archetype) > 1

    union all
    select 'archetypes.csv: ' || archetype || ' has no row in archetype_conditions.csv; add its conditions'
        as problem
    from archetypes
    where archetype not in (select archetype from conditions)

    union all
    select distinct place || ': no such archetype in archetypes.csv; add it there or correct the name' as problem
    from conditions
    where archetype not in (select archetype from archetypes)

    union all
    select place || ': no such feature; known are {{ measures | join(", ") }}' as problem
    from conditions
    where feature not in ('{{ measures | join("', '") }}')

    union all
    select place || ': no such statistic; known are {{ statistics | join(", ") }}' as problem
    from conditions
    where statistic not in ('{{ statistics | join("', '") }}')

    union all
    select
        place || ': above is ' || coalesce(above, 'empty') || ' and below is ' || coalesce(below, 'empty')
        || '; expected a number in one of them or both' as problem
    from conditions
    where
        (lower_bound is null and above is not null)
        or (upper_bound is null and below is not null)
        or (above is null and below is null)

    union all
    select
        place || ': nothing is above ' || above || ' and below ' || below
        || ', so the archetype can never be given; mend the bounds' as problem
    from conditions
    where lower_bound >= upper_bound

    union all
    select place || ' stands there ' || count(*) || ' times; put both bounds into one row' as problem
    from conditions
    group by place
    having count(*) > 1

    union all
    select
        'archetype_conditions.csv: ' || string_agg(archetype, ' and ' order by archetype)
        || ' have the very same conditions, so only one can ever be given; tell them apart' as problem
    from condition_sets
    group by condition_set
    having count(*) > 1

    union all
    select 'playbook.csv: ' || archetype || ' stands there ' || count(*) || ' times; keep one' as problem
    from plays
    group by archetype
    having count(*) > 1

    union all
    select 'playbook.csv: ' || archetype || ' is missing; add its row' as problem
    from (
        select archetype from archetypes
        union
        select 'none' as archetype
    )
    where archetype not in (select archetype from plays)

    union all
    select 'playbook.csv: ' || archetype || ' is no archetype of archetypes.csv; correct the name' as problem
    from plays
    where archetype != 'none' and archetype not in (select archetype from archetypes)

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
        and archetype in (
            select archetype from conditions
            where feature in ('cash_advance', 'cash_advance_frequency', 'cash_advance_trx', 'cash_share')
            and lower_bound >= 0
        )

    union all
    select 'playbook.csv: ' || archetype || ' has no limit_increase; put no, or under which check' as problem
    from plays
    where coalesce(limit_increase, '') = ''

    union all
    select 'economics_assumptions.csv: ' || assumption || ' is missing; add its row' as problem
    from (
        select assumption from terms
        union
        select 'currency' as assumption
    )
    where assumption not in (select assumption from {{ ref('economics_assumptions') }})

    union all
    select place || ': no such assumption in the formula; known are {{ economics_terms() | map("first") | join(", ") }}'
        as problem
    from assumptions
    where assumption not in (select assumption from terms)

    union all
    select place || ' stands there ' || count(*) || ' times; keep one' as problem
    from assumptions
    group by place
    having count(*) > 1

    union all
    select
        place || ' is ' || coalesce(low, 'empty') || ', ' || coalesce(base, 'empty') || ', '
        || coalesce(high, 'empty') || '; expected three numbers, none negative' as problem
    from assumptions
    where
        low_value is null or base_value is null or high_value is null
        or not (least(low_value, base_value, high_value) >= 0 and isfinite(low_value + base_value + high_value))

    union all
    select
        assumptions.place || ' is ' || low || ', ' || base || ', ' || high
        || '; it is a share, so expected from 0 to 1, as 0.05 for five percent' as problem
    from assumptions
    inner join terms on assumptions.assumption = terms.assumption
    where terms.kind = 'share' and greatest(low_value, base_value, high_value) > 1

    union all
    select
        assumptions.place || ' is ' || low || ', ' || base || ', ' || high || '; low is where the value is low, so '
        || case when terms.direction > 0 then 'low <= base <= high' else 'low >= base >= high' end
        || ' was expected' as problem
    from assumptions
    inner join terms on assumptions.assumption = terms.assumption
    where terms.direction * low_value > terms.direction * base_value
        or terms.direction * base_value > terms.direction * high_value

    union all
    select '{{ words_file }}.csv: ' || key || ' stands there ' || count(*) || ' times; keep one' as problem
    from words
    group by key
    having count(*) > 1

    union all
    select '{{ words_file }}.csv: ' || key || ' is missing; add it, words_en.csv shows what it says' as problem
    from (
        select key from {{ ref('words_en') }}
        union
        select unnest([
            'archetype.' || archetype || '.name', 'archetype.' || archetype || '.description',
            {% for part in playbook_parts() %}
            'playbook.' || archetype || '.{{ part }}'{{ ',' if not loop.last }}
            {% endfor %}
        ]) as key
        from archetypes
    )
    where key not in (select key from words where text is not null)

    union all
    select
        '{{ words_file }}.csv: ' || string_agg(key, ' and ' order by key) || ' are both "' || lower(text)
        || '"; two archetypes need two names' as problem
    from words
    where key like 'archetype.%.name'
    group by lower(text)
    having count(*) > 1

    union all
    select distinct
        '{{ words_file }}.csv: ' || key || ' asks for ' || placeholder
        || '; known are {customers}, {customer_share}, {currency}, {feature.mean}, {feature.median} and'
        || ' {feature.users_share}' as problem
    from (
        select
            key,
            unnest(regexp_extract_all(text, '\{[^}]*\}?')) as placeholder
        from words
        where key like 'archetype.%'
    )
    where placeholder not in (select placeholder from known_placeholders)

)

select problem from problems
