-- The template of a segment's description, without what asks for an unknown number: bracketed remarks and clauses that
-- do, and sentences whose first clause does. Where nothing is left, the size is.
with

templates as (

    select
        names.segment_id,
        words.text as wording
    from {{ ref('segment_names') }} as names
    inner join {{ ref('stg_rulebook__words') }} as words
        on 'archetype.' || names.archetype || '.description' = words.key

),

unknown as (

    select
        segment_id,
        string_agg(regexp_escape(placeholder), '|') as asked
    from {{ ref('segment_numbers') }}
    where text = {{ word('format.unknown') }}
    group by segment_id

),

without_remarks as (

    select
        templates.segment_id,
        unknown.asked,
        rtrim(
            replace(
                regexp_replace(templates.wording, ' [(][^()]*(' || unknown.asked || ')[^()]*[)]', '', 'g'), '; ', ', '
            ),
            '.'
        ) as wording
    from templates
    inner join unknown on templates.segment_id = unknown.segment_id

),

sentences as (

    select
        segment_id,
        asked,
        unnest(string_split(wording, '. ')) as sentence,
        generate_subscripts(string_split(wording, '. '), 1) as sentence_place
    from without_remarks

),

clauses as (

    select
        segment_id,
        asked,
        sentence,
        sentence_place,
        unnest(string_split(sentence, ', ')) as clause,
        generate_subscripts(string_split(sentence, ', '), 1) as clause_place
    from sentences

),

left_sentences as (

    select
        segment_id,
        sentence_place,
        string_agg(clause, ', ' order by clause_place) || '.' as sentence
    from clauses
    where not regexp_matches(clause, asked) and not regexp_matches(split_part(sentence, ', ', 1), asked)
    group by segment_id, sentence_place

),

shortened as (

    select
        segment_id,
        string_agg(sentence, ' ' order by sentence_place) as wording
    from left_sentences
    group by segment_id

)

select
    templates.segment_id,
    case
        when unknown.asked is null then templates.wording
        else coalesce(shortened.wording, '{customers} ({customer_share}).')
    end as wording
from templates
left join unknown on templates.segment_id = unknown.segment_id
left join shortened on templates.segment_id = shortened.segment_id
