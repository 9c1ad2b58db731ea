-- A summary has no months to look at: there are the checks of the features alone (macro quality_rules).
select
    cast(null as string) as check_name,
    cast(null as string) as severity,
    cast(null as bigint) as affected_rows,
    cast(null as string) as example_ids
where false
