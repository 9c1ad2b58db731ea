-- A summary does not say which cards are closed, so nobody has a status.
select
    cast(null as string) as customer_id,
    cast(null as boolean) as is_closed
where false
