-- The questions of each rule, as SQL and in words.
with

conditions as (

    {{ learned('rule_conditions') }}

),

units as (

    select distinct
        feature,
        unit
    from {{ ref('segment_statistics') }}

),

words as (

    select * from {{ ref('stg_rulebook__words') }}

)

select
    conditions.segment_id,
    conditions.rule,
    conditions.condition,

    conditions.feature || ' ' || conditions.operator || ' ' || conditions.threshold as predicate,
    replace(
        replace(
            case
                when conditions.operator = '>' then {{ word('rule.above') }}
                else {{ word('rule.at_most') }}
            end,
            '{feature}', words.text
        ),
        '{threshold}',
        case
            when units.unit = 'share'
                then replace(
                    {{ word('format.percent') }}, '{number}',
                    {{ localised("format('{:.3g}', 100 * conditions.threshold)") }}
                )
            when abs(conditions.threshold) >= 100
                then {{ localised("format('{:,.0f}', conditions.threshold)") }}
            else {{ localised("format('{:.3g}', conditions.threshold)") }}
        end
    ) as condition_text
from conditions
inner join units on conditions.feature = units.feature
inner join words on 'feature.' || conditions.feature = words.key
