{% set file = 'words_' ~ var('language') %}

with

words as (

    select * from {{ ref('stg_rulebook__words') }}

),

wanted as (

    select key from {{ ref('words_en') }}
    union
    select 'archetype.' || archetype || '.name' as key
    from {{ ref('archetypes') }}
    union
    select 'archetype.' || archetype || '.description' as key
    from {{ ref('archetypes') }}
    {% for part in playbook_parts() %}
    union
    select 'playbook.' || archetype || '.{{ part }}' as key
    from {{ ref('archetypes') }}
    {% endfor %}
    union
    select 'movement.' || movement || '.name' as key
    from {{ ref('movements') }}
    union
    select 'movement.' || movement || '.play' as key
    from {{ ref('movements') }}
    {% for name in feature_names() + (indicators() | map('first') | list) %}
    union
    select 'feature.{{ name }}' as key
    {% endfor %}
    {% for check_name in (quality_rules() | map('first') | list) + ledger_checks() %}
    union
    select 'check.{{ check_name }}' as key
    {% endfor %}
    {% for side in payment_sides() + ['mixed', 'unknown'] %}
    union
    select 'payment_side.{{ side }}' as key
    {% endfor %}

),

known as (

    select unnest([
        '{customers}', '{customer_share}', '{currency}', '{traits}'
        {%- for name in feature_names() + (indicators() | map('first') | list) -%}
        {%- for statistic in ('mean', 'median', 'users_share') -%}
        , '{{ '{' ~ name ~ '.' ~ statistic ~ '}' }}'
        {%- endfor -%}
        {%- endfor -%}
    ]) as placeholder

),

asked as (

    select
        key,
        unnest(regexp_extract_all(text, '[{][^}]*[}]?')) as placeholder
    from words
    where key like 'archetype.%' or key like 'payment_side.%'

)

select '{{ file }}.csv: ' || key || ' stands there ' || count(*) || ' times; keep one' as problem
from words
group by key
having count(*) > 1

union all
select '{{ file }}.csv: ' || wanted.key || ' is missing; add it, words_en.csv shows what it says' as problem
from wanted
where
    not exists (
        select 1 from words
        where words.key = wanted.key and words.text is not null
    )

union all
select
    '{{ file }}.csv: ' || string_agg(key, ' and ' order by key) || ' are both "' || lower(text)
    || '"; two archetypes need two names' as problem
from words
where key like 'archetype.%.name'
group by lower(text)
having count(*) > 1

union all
select distinct
    '{{ file }}.csv: ' || asked.key || ' asks for ' || asked.placeholder
    || '; known are {customers}, {customer_share}, {currency}, {feature.mean}, {feature.median} and'
    || ' {feature.users_share}' as problem
from asked
where
    not exists (
        select 1 from known
        where known.placeholder = asked.placeholder
    )
