with

accounts as (

    select * from {{ ref('int_ledger_accounts') }}

)

select
    customer_id,
    -- Where AS_OF looks back, what was closed since was open then.
    bool_and(
        closed_on is not null
        {% if var('as_of') -%}
        and closed_on <= date '{{ var('as_of') }}'
        {%- endif %}
    ) as is_closed
from accounts
group by customer_id
