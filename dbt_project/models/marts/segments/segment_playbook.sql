-- What to do with each segment, and whether a test of it pays. The seeds say what of an archetype; the segment's own
-- numbers have the last word where people are under payment stress.
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

economics as (

    select * from {{ ref('int_segment_plays') }}

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
    || {{ part }}.text as {{ part }},
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

    economics.lever,
    economics.lever_change,
    economics.value_change_per_response,
    economics.loss_change,
    economics.kept_share,

    economics.play_rank,
    economics.verdict,
    economics.verdict_words,
    economics.contactable_customers,
    economics.includes_stressed,
    economics.contact_kind,
    economics.contact_cost,
    economics.base_response_rate,
    economics.expected_uplift,
    economics.value_horizon_years,
    economics.value_per_responder,
    economics.recommended_holdout,
    economics.contacts,
    economics.held_out,
    economics.expected_responders,
    economics.additional_responders,
    economics.expected_value,
    economics.expected_cost,
    economics.expected_net,
    economics.break_even_uplift,
    economics.smallest_uplift,
    economics.customers_needed,

    economics.currency,
    plays.reference
from names
inner join stress on names.segment_id = stress.segment_id
inner join economics on names.segment_id = economics.segment_id
inner join plays on names.archetype = plays.archetype
{% for part in playbook_parts() %}
inner join words as {{ part }} on {{ part }}.key = 'playbook.' || names.archetype || '.{{ part }}'
{% endfor %}
