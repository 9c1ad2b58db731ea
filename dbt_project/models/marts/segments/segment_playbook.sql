-- What to do with each segment. The seeds say it of an archetype; the segment's own numbers have the last
-- word where people are under payment stress.
with

names as (

    select * from {{ ref('segment_names') }}

),

plays as (

    select * from {{ ref('playbook') }}

),

stress as (

    select
        segment_id,
        max(mean) filter (where feature = 'behind_on_payments') as behind_share,
        max(mean) filter (where feature = 'utilisation') as utilisation,
        coalesce(behind_share > 0.25 or utilisation > 0.5, false) as is_under_payment_stress
    from {{ ref('segment_statistics') }}
    group by segment_id

),

segment_values as (

    select * from {{ ref('int_segment_values') }}

),

words as (

    select * from {{ ref('stg_rulebook__words') }}

)

select
    names.segment_id,
    names.segment_name,
    names.archetype,

    {% for part in playbook_parts() %}
    {% if part == 'avoid' %}
    case when stress.is_under_payment_stress then {{ word('playbook.under_stress') }} else '' end
    || {{ part }}.text || {{ word('playbook.no_protected_traits') }} as {{ part }},
    {% elif part == 'value_expectation' %}
    replace(
        {{ part }}.text, '{change}',
        case when cast(plays.change as double) > 0 then '+' else '' end
        || {{ worded_number('cast(plays.change as double)', "'share'") }}
    ) as {{ part }},
    {% else %}
    {{ part }}.text as {{ part }},
    {% endif %}
    {% endfor %}

    stress.is_under_payment_stress,
    case when stress.is_under_payment_stress then 'no' else plays.limit_increase end as limit_increase,
    plays.promotes_cash_advances,

    plays.lever,
    cast(plays.change as double) as lever_change,
    -- For one who responds, in a year; positive earns.
    cast(plays.change as double) * case plays.lever
        {% for lever, parts in levers().items() %}
        when '{{ lever }}' then segment_values.{{ parts | join(' + segment_values.') }}
        {% endfor %}
    end as value_change_per_response,
    segment_values.currency,
    plays.reference
from names
inner join stress on names.segment_id = stress.segment_id
inner join segment_values on names.segment_id = segment_values.segment_id
inner join plays on names.archetype = plays.archetype
{% for part in playbook_parts() %}
inner join words as {{ part }} on {{ part }}.key = 'playbook.' || names.archetype || '.{{ part }}'
{% endfor %}
