-- Every segment that there ever was, with its name: of those in use as this build has it, of retired ones the last.
with

names as (

    select * from {{ ref('segment_names') }}

)

select
    lives.segment_id,
    coalesce(names.segment_name, lives.segment_name) as segment_name,
    coalesce(names.archetype, lives.archetype) as archetype,
    case when names.segment_id is null then lives.qualifier else names.qualifier end as qualifier,
    case when names.segment_id is null then lives.name_language else '{{ var("language") }}' end as name_language,
    lives.colour,
    lives.born_on,
    lives.born_with,
    lives.retired_on,
    names.fits as name_fits,
    names.name_before
from {{ ref('int_segment_lives') }} as lives
left join names on lives.segment_id = names.segment_id
