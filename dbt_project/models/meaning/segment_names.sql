-- A name nobody else has: the archetype's; where several segments share it, with the trait that sets each
-- apart from the others of it; where none fits, the traits alone.
with

archetypes as (

    select
        archetypes.segment_id,
        archetypes.archetype,
        names.text as archetype_name,
        count(*) over (partition by archetypes.archetype) as segments_of_archetype
    from {{ ref('segment_archetypes') }} as archetypes
    inner join {{ ref('words') }} as names on 'archetype.' || archetypes.archetype || '.name' = names.key

),

traits as (

    select * from {{ ref('segment_traits') }}

),

-- Among segments of one archetype the contrast that counts is with each other.
siblings as (

    select
        traits.segment_id,
        traits.measure,
        traits.short_text,
        archetypes.archetype,
        traits.z_contrast - avg(traits.z_contrast) over (
            partition by archetypes.archetype, traits.family
        ) as sibling_contrast
    from traits
    inner join archetypes on traits.segment_id = archetypes.segment_id
    where traits.may_be_in_name

),

qualifiers as (

    select
        segment_id,
        string_agg(short_text, ', ' order by qualifier_rank) filter (qualifier_rank <= 1) as one,
        string_agg(short_text, ', ' order by qualifier_rank) filter (qualifier_rank <= 2) as two
    from (
        select
            *,
            row_number() over (
                partition by segment_id order by abs(sibling_contrast) desc, measure
            ) as qualifier_rank
        from siblings
    ) as ranked
    group by segment_id

),

strongest as (

    select
        segment_id,
        string_agg(short_text, ', ' order by name_rank) filter (name_rank <= 2) as two,
        string_agg(short_text, ', ' order by name_rank) filter (name_rank <= 3) as three
    from (
        select
            *,
            row_number() over (partition by segment_id order by trait_rank) as name_rank
        from traits
        where may_be_in_name
    ) as ranked
    group by segment_id

),

evidence as (

    select
        segment_id,
        string_agg(evidence, '; ' order by trait_rank) filter (trait_rank <= 3) as traits
    from traits
    group by segment_id

),

proposed as (

    select
        archetypes.segment_id,
        archetypes.archetype,
        evidence.traits,
        case
            when archetypes.archetype = 'none'
                then replace(archetypes.archetype_name, '{traits}', strongest.two)
            when archetypes.segments_of_archetype = 1 then archetypes.archetype_name
            else archetypes.archetype_name || ', ' || qualifiers.one
        end as short_name,
        case
            when archetypes.archetype = 'none'
                then replace(archetypes.archetype_name, '{traits}', strongest.three)
            else archetypes.archetype_name || ', ' || qualifiers.two
        end as longer_name
    from archetypes
    inner join strongest on archetypes.segment_id = strongest.segment_id
    inner join qualifiers on archetypes.segment_id = qualifiers.segment_id
    inner join evidence on archetypes.segment_id = evidence.segment_id

),

lengthened as (

    select
        *,
        case when count(*) over (partition by short_name) = 1 then short_name else longer_name end as name
    from proposed

),

told_apart as (

    select
        segment_id,
        archetype,
        traits,
        upper(name[1]) || name[2:]
        || case when count(*) over (partition by name) > 1 then ' (' || segment_id || ')' else '' end
            as segment_name
    from lengthened

),

-- Templates are cut into text and {placeholders}, each placeholder replaced by its number.
pieces as (

    select
        told_apart.segment_id,
        unnest(regexp_extract_all(templates.text, '\{[^}]*\}|[^{]+')) as piece,
        generate_subscripts(regexp_extract_all(templates.text, '\{[^}]*\}|[^{]+'), 1) as place
    from told_apart
    inner join {{ ref('words') }} as templates
        on 'archetype.' || told_apart.archetype || '.description' = templates.key

),

sizes as (

    select distinct
        segment_id,
        customers
    from {{ ref('segment_statistics') }}

),

currency as (

    select base
    from {{ ref('economics_assumptions') }}
    where assumption = 'currency'

),

numbers as (

    {% for statistic in ('mean', 'median', 'users_share') %}
    select
        segment_id,
        '{' || measure || '.{{ statistic }}}' as piece,
        {{ worded_number(statistic, "'share'" if statistic == 'users_share' else 'unit') }} as text
    from {{ ref('segment_statistics') }}
    union all
    {% endfor %}
    select
        segment_id,
        '{customers}' as piece,
        {{ localised("format('{:,}', customers)") }} as text
    from sizes
    union all
    select
        segment_id,
        '{customer_share}' as piece,
        {{ worded_number('customers / sum(customers) over ()', "'share'") }} as text
    from sizes
    union all
    select
        sizes.segment_id,
        '{currency}' as piece,
        currency.base as text
    from sizes
    cross join currency

),

descriptions as (

    select
        pieces.segment_id,
        string_agg(coalesce(numbers.text, pieces.piece), '' order by pieces.place) as description
    from pieces
    left join numbers on pieces.segment_id = numbers.segment_id and pieces.piece = numbers.piece
    group by pieces.segment_id

)

select
    told_apart.segment_id,
    told_apart.archetype,
    told_apart.segment_name,
    descriptions.description,
    told_apart.traits
from told_apart
inner join descriptions on told_apart.segment_id = descriptions.segment_id
