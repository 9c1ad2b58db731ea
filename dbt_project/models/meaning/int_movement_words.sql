-- What changed most in each customer who moved, in words.
with

changes as (

    select
        *,
        case feature
            {% for unit in ('money', 'share', 'months', 'count') %}
            {% for name in feature_names(unit=unit) %}
            when '{{ name }}' then '{{ unit }}'
            {% endfor %}
            {% endfor %}
        end as unit
    from {{ ref('int_moved_features') }}

),

names as (

    select
        substr(key, 9) as feature,
        text
    from {{ ref('stg_rulebook__words') }}
    where key like 'feature.%'

)

select
    changes.customer_id,
    string_agg(
        replace(
            replace(
                replace({{ word('movement.change') }}, '{feature}', names.text),
                '{before}', {{ worded_number('changes.value_before', 'changes.unit') }}
            ),
            '{after}', {{ worded_number('changes.value_after', 'changes.unit') }}
        ),
        '; ' order by changes.place
    ) as what_changed
from changes
inner join names on changes.feature = names.feature
group by changes.customer_id
