select
    source,
    measure,
    rows_in,
    rows_accepted,
    rows_rejected,
    amount_in,
    amount_in_features,
    amount_outside_window,
    amount_rejected,
    amounts_unknown
from marts.load_audit
where
    1 = 1
    [[and source = {{input_table}}]]
order by source, measure
