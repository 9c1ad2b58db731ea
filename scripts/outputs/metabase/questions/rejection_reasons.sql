select
    reason,
    count(*) as rows_rejected
from marts.rejected_rows
where
    1 = 1
    [[and source = {{input_table}}]]
group by reason
order by rows_rejected desc, reason
limit 12
