select
    segment_id,
    segment_name,
    archetype,
    qualifier,
    name_language,
    colour,
    born_on,
    born_with,
    retired_on,
    name_fits
from {{ ref('int_segment_registry') }}
