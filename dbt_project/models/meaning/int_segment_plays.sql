-- What a test of each segment's play would cost and bring by the assumptions, and whether the segment is large enough
-- to show it: the customers are those whom `make campaign` finds there, without the lists that it is given.
with

names as (

    select
        segment_id,
        archetype
    from {{ ref('segment_names') }}

),

plays as (

    select
        archetype,
        lever,
        contact_kind,
        coalesce(includes_stressed = 'yes', false) as includes_stressed,
        cast(change as double) as lever_change,
        cast(loss_change as double) as loss_change,
        cast(kept as double) as kept_share
    from {{ ref('playbook') }}

),

assumptions as (

    select
        {% for name, kind, _ in campaign_terms() %}
        {{ assumed(name, kind, 'base') }} as {{ name }},
        {% endfor %}
        count(*) as assumptions_made
    from {{ ref('stg_rulebook__assumptions') }} as given
    cross join {{ ref('stg_rulebook__currency') }} as currency

),

-- Closed accounts are never contacted; who is over the limit or behind on payments, only with an offer of help.
contactable as (

    select
        scores.segment_id,
        count(*) filter (where not coalesce(accounts.is_closed, false)) as open_customers,
        count(*) filter (
            where
            not coalesce(accounts.is_closed, false)
            and not coalesce(features.balance > features.credit_limit, false)
            and not coalesce(features.payments < features.minimum_payments, false)
        ) as customers_at_ease
    from {{ ref('customer_scores') }} as scores
    inner join {{ ref('int_customer_features') }} as features on scores.customer_id = features.customer_id
    left join {{ ref('int_account_status') }} as accounts on scores.customer_id = accounts.customer_id
    group by scores.segment_id

),

-- For one who responds, in a year; positive earns.
per_response as (

    select
        names.segment_id,
        plays.lever,
        plays.lever_change,
        plays.loss_change,
        plays.kept_share,
        plays.contact_kind,
        plays.includes_stressed,
        segment_values.currency,
        plays.lever_change * case plays.lever
            {% for lever, parts in levers().items() %}
            when '{{ lever }}' then segment_values.{{ parts | join(' + segment_values.') }}
            {% endfor %}
        end as value_change_per_response,
        case when plays.loss_change is null then 0 else plays.loss_change * segment_values.expected_loss end
            as losses_spared,
        case when plays.kept_share is null then 0 else plays.kept_share * segment_values.value_base end as value_kept,
        case when plays.includes_stressed then contactable.open_customers else contactable.customers_at_ease end
            as contactable_customers
    from names
    inner join plays on names.archetype = plays.archetype
    inner join {{ ref('int_segment_values') }} as segment_values on names.segment_id = segment_values.segment_id
    inner join contactable on names.segment_id = contactable.segment_id

),

weighed as (

    select
        per_response.*,
        case per_response.contact_kind
            {% for kind in contact_kinds() %}
            when '{{ kind }}' then assumptions.contact_cost_{{ kind }}
            {% endfor %}
        end as contact_cost,
        assumptions.base_response_rate,
        least(assumptions.expected_uplift, 0.999 - assumptions.base_response_rate) as expected_uplift,
        assumptions.value_horizon_years,
        assumptions.value_horizon_years
        * (
            per_response.value_change_per_response + per_response.losses_spared + per_response.value_kept
        ) as value_per_responder,
        assumptions.holdout_share
    from per_response
    cross join assumptions

),

-- The usual share is held out where that shows the uplift, else half, which shows the most.
sized as (

    select
        *,
        ceil({{ customers_to_show('expected_uplift', 'base_response_rate', 'holdout_share') }}) <= contactable_customers
            as usual_holdout_shows_it,
        greatest(4, ceil({{ customers_to_show('expected_uplift', 'base_response_rate', '0.5') }})) as needed_with_half,
        case when usual_holdout_shows_it then holdout_share else 0.5 end as recommended_holdout,
        cast(round_even(recommended_holdout * contactable_customers, 0) as bigint) as held_out,
        contactable_customers - held_out as contacts
    from weighed

),

-- To a thousandth of a point.
uplifts as (

    select steps.step / 100000.0 as uplift
    from range(1, 100000) as steps (step)

),

shown as (

    select
        sized.segment_id,
        min(uplifts.uplift) as smallest_uplift
    from sized
    inner join uplifts
        on
            uplifts.uplift < 1 - sized.base_response_rate
            and sized.held_out >= 2 and sized.contacts >= 2
            and {{ customers_to_show(
                'uplifts.uplift', 'sized.base_response_rate',
                '(cast(sized.held_out as double) / sized.contactable_customers)'
            ) }} <= sized.contactable_customers
    group by sized.segment_id

),

bounded as (

    select
        sized.*,
        shown.smallest_uplift
    from sized
    left join shown on sized.segment_id = shown.segment_id

),

expected as (

    select
        *,
        cast(
            greatest(
                4, ceil({{ customers_to_show('expected_uplift', 'base_response_rate', 'recommended_holdout') }})
            ) as bigint
        ) as customers_needed,
        contacts * (base_response_rate + expected_uplift) as expected_responders,
        contacts * expected_uplift as additional_responders,
        contacts * expected_uplift * value_per_responder as expected_value,
        contacts * contact_cost as expected_cost,
        contacts * (expected_uplift * value_per_responder - contact_cost) as expected_net,
        case
            when value_per_responder > 0 and contact_cost / value_per_responder <= 1 - base_response_rate
                then contact_cost / value_per_responder
        end as break_even_uplift
    from bounded

),

judged as (

    select
        *,
        case
            when expected_uplift * value_per_responder - contact_cost is null then 'unknown'
            when expected_uplift * value_per_responder <= contact_cost then 'loses_money'
            when contactable_customers < needed_with_half then 'too_small'
            else 'worth_testing'
        end as verdict
    from expected

),

{% set said = {
    'customers': localised("format('{:,}', contactable_customers)"),
    'needed': localised("format('{:,}', customers_needed)"),
    'uplift': worded_points('expected_uplift'),
    'smallest': worded_points('smallest_uplift'),
    'pays_from': worded_points('break_even_uplift'),
    'net': worded_amount('expected_net'),
    'value': worded_amount('value_per_responder'),
    'cost': worded_amount('contact_cost'),
    'years': localised("format('{:g}', value_horizon_years)"),
    'holdout': worded_number('recommended_holdout', "'share'"),
} -%}
worded as (

    select
        *,
        case
            when verdict = 'too_small' and smallest_uplift is null then {{ word('verdict.too_small_for_any') }}
            when verdict = 'loses_money' and break_even_uplift is null then {{ word('verdict.never_pays') }}
            {% for verdict in ['worth_testing', 'too_small', 'loses_money', 'unknown'] %}
            when verdict = '{{ verdict }}' then {{ word('verdict.' ~ verdict) }}
            {% endfor %}
        end
        || case when verdict = 'loses_money' and includes_stressed then {{ word('verdict.help_is_owed') }} else '' end
            as sentence,
        -- What is worth a test first, what loses money last.
        case verdict when 'worth_testing' then 1 when 'too_small' then 2 when 'unknown' then 3 else 4 end as turn
    from judged

)

select
    * exclude (sentence, turn),
    cast(row_number() over (order by turn asc, expected_net desc nulls last, segment_id asc) as integer) as play_rank,
    {{ filled('sentence', said) }} as verdict_words
from worded
