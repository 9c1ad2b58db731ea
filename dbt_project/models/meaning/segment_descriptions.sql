-- The template of a segment, cut into text and {placeholders}, each replaced by its number.
with

pieces as (

    select
        segment_id,
        unnest({{ pieces_of('wording') }}) as piece,
        generate_subscripts({{ pieces_of('wording') }}, 1) as place
    from {{ ref('segment_templates') }}

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
