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
        upper(substr(name, 1, 1)) || substr(name, 2)
        || case when count(*) over (partition by name) > 1 then ' (' || segment_id || ')' else '' end
            as segment_name
    from lengthened

)

select * from told_apart
