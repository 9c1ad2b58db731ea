-- The template of a segment's archetype without the clauses that ask for an unknown number, cut into text and
-- {placeholders}, each replaced by its number.
with

numbers as (

    select * from {{ ref('segment_numbers') }}

),

templates as (

    select
        names.segment_id,
        words.text as template
    from {{ ref('segment_names') }} as names
    inner join {{ ref('stg_rulebook__words') }} as words
        on 'archetype.' || names.archetype || '.description' = words.key

),

unknown as (

    select
        segment_id,
        array_agg(placeholder) as placeholders
    from numbers
    where text = {{ word('format.unknown') }}
    group by segment_id

),

shortened as (

    select
        templates.segment_id,
        case
            when unknown.placeholders is null then templates.template
            else {{ without_unknown('templates.template', 'unknown.placeholders') }}
        end as template
    from templates
    left join unknown on templates.segment_id = unknown.segment_id

),

pieces as (

    select
        segment_id,
        unnest({{ pieces_of('template') }}) as piece,
        generate_subscripts({{ pieces_of('template') }}, 1) as place
    from shortened

)

select
    pieces.segment_id,
    string_agg(coalesce(numbers.text, pieces.piece), '' order by pieces.place) as description
from pieces
left join numbers on pieces.segment_id = numbers.segment_id and pieces.piece = numbers.placeholder
group by pieces.segment_id
