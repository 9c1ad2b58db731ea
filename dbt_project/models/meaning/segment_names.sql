-- A name nobody else has: the archetype's; where several segments share it, with the trait that sets each
-- apart from the others of it; where none fits, the traits alone. A segment that keeps its archetype keeps what tells
-- it apart, too, unless the language is another.
with

archetypes as (

    select
        archetypes.segment_id,
        archetypes.archetype,
        archetypes.fits,
        archetypes.name_before,
        archetypes.is_kept and archetypes.kept_language = '{{ var("language") }}' as keeps_qualifier,
        archetypes.kept_qualifier,
        names.text as archetype_name,
        count(*) over (partition by archetypes.archetype) as segments_of_archetype
    from {{ ref('segment_archetypes') }} as archetypes
    inner join {{ ref('stg_rulebook__words') }} as names
        on 'archetype.' || archetypes.archetype || '.name' = names.key

),

traits as (

    select * from {{ ref('segment_traits') }}

),

-- Among segments of one archetype the contrast that counts is with each other.
siblings as (

    select
        traits.segment_id,
        traits.feature,
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
        string_agg(short_text, ', ' order by qualifier_rank) filter (where qualifier_rank <= 1) as one,
        string_agg(short_text, ', ' order by qualifier_rank) filter (where qualifier_rank <= 2) as two
    from (
        select
            *,
            row_number() over (
                partition by segment_id order by abs(sibling_contrast) desc, feature
            ) as qualifier_rank
        from siblings
    ) as ranked
    group by segment_id

),

strongest as (

    select
        segment_id,
        string_agg(short_text, ', ' order by name_rank) filter (where name_rank <= 2) as two,
        string_agg(short_text, ', ' order by name_rank) filter (where name_rank <= 3) as three
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
        string_agg(evidence, '; ' order by trait_rank) filter (where trait_rank <= 3) as traits
    from traits
    group by segment_id

),

proposed as (

    select
        archetypes.*,
        evidence.traits,
        case
            when archetypes.keeps_qualifier then archetypes.kept_qualifier
            when archetypes.archetype = 'none' then strongest.two
            when archetypes.segments_of_archetype > 1 then qualifiers.one
        end as short_qualifier,
        case
            when archetypes.keeps_qualifier then archetypes.kept_qualifier
            when archetypes.archetype = 'none' then strongest.three
            else qualifiers.two
        end as long_qualifier
    from archetypes
    inner join strongest on archetypes.segment_id = strongest.segment_id
    inner join qualifiers on archetypes.segment_id = qualifiers.segment_id
    inner join evidence on archetypes.segment_id = evidence.segment_id

),

named as (

    select
        {% for length in ('short', 'long') %}
        case
            when archetype = 'none' then replace(archetype_name, '{traits}', {{ length }}_qualifier)
            else concat_ws(', ', archetype_name, {{ length }}_qualifier)
        end as {{ length }}_name,
        {% endfor %}
        *
    from proposed

),

lengthened as (

    select
        *,
        case when count(*) over (partition by short_name) = 1 then short_name else long_name end as name,
        case when count(*) over (partition by short_name) = 1 then short_qualifier else long_qualifier end as qualifier
    from named

),

told_apart as (

    select
        segment_id,
        archetype,
        fits,
        name_before,
        traits,
        qualifier,
        upper(substr(name, 1, 1)) || substr(name, 2)
        || case when count(*) over (partition by name) > 1 then ' (' || segment_id || ')' else '' end
            as segment_name
    from lengthened

)

select * from told_apart
