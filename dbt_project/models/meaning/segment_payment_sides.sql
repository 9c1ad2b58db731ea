-- What the customers of a segment do with their statements: what most of them do, and in words the shares.
with

shares as (

    select
        {% for side in payment_sides() -%}
        max(mean) filter (where feature = '{{ side }}') as {{ side }},
        {% endfor -%}
        segment_id
    from {{ ref('segment_statistics') }}
    group by segment_id

),

judged as (

    select
        segment_id,
        case
            {% for side in payment_sides() %}
            when {{ side }} > 0.5 then '{{ side }}'
            {% endfor %}
            when pays_in_full is null then 'unknown'
            else 'mixed'
        end as payment_side
    from shares

),

pieces as (

    select
        judged.segment_id,
        judged.payment_side,
        unnest({{ pieces_of('templates.text') }}) as piece,
        generate_subscripts({{ pieces_of('templates.text') }}, 1) as place
    from judged
    inner join {{ ref('stg_rulebook__words') }} as templates
        on 'payment_side.' || judged.payment_side = templates.key

),

numbers as (

    select * from {{ ref('segment_numbers') }}

)

select
    pieces.segment_id,
    any_value(pieces.payment_side) as payment_side,
    string_agg(coalesce(numbers.text, pieces.piece), '' order by pieces.place) as payment_words
from pieces
left join numbers on pieces.segment_id = numbers.segment_id and pieces.piece = numbers.placeholder
group by pieces.segment_id
