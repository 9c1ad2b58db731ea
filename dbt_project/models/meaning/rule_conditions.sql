-- The questions of each rule, as SQL and in words.
with

conditions as (

    {{ unpack_records('rule_condition', {
        'segment_id': 'integer', 'rule': 'integer', 'condition': 'integer', 'feature': 'varchar',
        'operator': 'varchar', 'threshold': 'double',
    }) }}

),

units as (

    select distinct
        measure,
        unit
    from {{ ref('segment_statistics') }}

),

words as (

    select * from {{ ref('words') }}

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
inner join units on conditions.feature = units.measure
inner join words on 'feature.' || conditions.feature = words.key
