select
    lineage.model_id,
    lineage.as_of_date,
    lineage.flow,
    lineage.from_segment_id,
    lineage.to_segment_id,
    lineage.customers,
    lineage.share_of_from,
    lineage.share_of_to,
    case
        when lineage.is_new and lineage.what = 'kept' and names_now.name_before != names_now.segment_name
            then 'renamed'
        else lineage.what
    end as what,
    -- Of the build that brought the model: names may change once more.
    case
        when lineage.is_new then coalesce(names_before.name_before, names_before.segment_name)
        else lineage.name_before
    end as name_before,
    case when lineage.is_new then names_now.segment_name else lineage.name_after end as name_after
from {{ ref('int_segment_lineage') }} as lineage
left join {{ ref('int_segment_registry') }} as names_before on lineage.from_segment_id = names_before.segment_id
left join {{ ref('int_segment_registry') }} as names_now on lineage.to_segment_id = names_now.segment_id
