-- The template of a segment's archetype, cut into text and {placeholders}, each replaced by its number.
with

pieces as (

    select
        names.segment_id,
        unnest({{ pieces_of('templates.text') }}) as piece,
        generate_subscripts({{ pieces_of('templates.text') }}, 1) as place
    from {{ ref('segment_names') }} as names
    inner join {{ ref('stg_rulebook__words') }} as templates
        on 'archetype.' || names.archetype || '.description' = templates.key

),

numbers as (

    select * from {{ ref('segment_numbers') }}

)

select
    pieces.segment_id,
    string_agg(coalesce(numbers.text, pieces.piece), '' order by pieces.place) as description
from pieces
left join numbers on pieces.segment_id = numbers.segment_id and pieces.piece = numbers.placeholder
group by pieces.segment_id
