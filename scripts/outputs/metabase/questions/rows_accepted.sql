select sum(rows_accepted) as rows_accepted
from marts.load_audit
where
    measure = 'rows'
    [[and source = {{input_table}}]]
