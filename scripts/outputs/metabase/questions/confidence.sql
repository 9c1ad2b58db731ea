select
    floor(confidence * 10) / 10 as confidence_from,
    count(*) as customers
from marts.customer_segments
where
    status = 'segmented'
    [[and segment_name = {{segment}}]]
group by floor(confidence * 10) / 10
order by confidence_from
