select sum(rows_rejected) as rows_rejected
from marts.load_audit
where
    measure = 'rows'
    [[and source = {{input_table}}]]
