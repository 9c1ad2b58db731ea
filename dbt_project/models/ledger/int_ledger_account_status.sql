with

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

)

select
    customer_id,
    bool_and(closed_on is not null) as is_closed
from accounts
group by customer_id
