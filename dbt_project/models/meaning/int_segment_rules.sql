{% set rules = rules_in_use() %}

-- What a rule is worth is counted over all customers, on the rule as it is written here.
-- depends_on: {{ ref('rule_conditions') }}
with

customers as (

    select
        features.*,
        scores.segment_id as labelled_segment_id
    from {{ ref('int_customer_features') }} as features
    inner join {{ ref('customer_scores') }} as scores on features.customer_id = scores.customer_id

),

counted as (

    select
        unnest([
            {% for segment, of_segment in rules %}
            {% set last_segment = loop.last %}
            {% for rule, predicate in of_segment %}
            {
                'segment_id': {{ segment }},
                'rule': {{ rule }},
                'sql_predicate': '{{ predicate }}',
                'customers_matched': count(*) filter ({{ predicate }}),
                'customers_of_segment': count(*) filter (
                    ({{ predicate }}) and labelled_segment_id = {{ segment }}
                ),
                'customers_in_segment': count(*) filter (labelled_segment_id = {{ segment }})
            }{{ ',' if not (loop.last and last_segment) }}
            {% endfor %}
            {% endfor %}
        ], recursive := true)
    from customers

),

rule_texts as (

    select
        segment_id,
        rule,
        replace(
            string_agg(condition_text, ' {and} ' order by condition), '{and}', {{ word('rule.and') }}
        ) as rule_text
    from {{ ref('rule_conditions') }}
    group by segment_id, rule

),

texts as (

    select * from rule_texts
    union all
    select
        segment_id,
        0 as rule,
        replace(string_agg(rule_text, '; {or} ' order by rule), '{or}', {{ word('rule.or') }}) as rule_text
    from rule_texts
    group by segment_id

)

select
    cast(counted.segment_id as integer) as segment_id,
    cast(counted.rule as integer) as rule,

    texts.rule_text,
    counted.sql_predicate,

    counted.customers_matched,
    counted.customers_of_segment,
    counted.customers_of_segment / nullif(counted.customers_matched, 0) as precision_share,
    counted.customers_of_segment / nullif(counted.customers_in_segment, 0) as recall_share
from counted
inner join texts on counted.segment_id = texts.segment_id and counted.rule = texts.rule
