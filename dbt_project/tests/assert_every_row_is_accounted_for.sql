-- Rows in = accepted + rejected, and money in = money in features + money before the window + money in
-- rejected rows, to the cent.
select * from {{ ref('int_load_audit') }}
where
    rows_in != rows_accepted + rows_rejected
    or abs(amount_in - amount_in_features - amount_outside_window - amount_rejected) > 0.005
