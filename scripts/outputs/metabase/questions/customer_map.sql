-- The same customers each time, drawn by a hash, and few enough for a browser.
select
    customer_id,
    segment_name,
    pca_1,
    pca_2
from marts.customer_segments
where
    status = 'segmented'
    [[and segment_name = {{segment}}]]
order by md5(customer_id), customer_id
limit 1500
