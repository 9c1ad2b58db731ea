-- What a template may ask for, as text in the language in use.
with

statistics as (

    select * from {{ ref('segment_statistics') }}

),

sizes as (

    select distinct
        segment_id,
        customers
    from statistics

)

{% for statistic in ('mean', 'median', 'users_share') -%}
select
    segment_id,
    '{' || feature || '.{{ statistic }}}' as placeholder,
    {{ worded_number(statistic, "'share'" if statistic == 'users_share' else 'unit') }} as text
from statistics
union all
{% endfor -%}
select
    segment_id,
    '{customers}' as placeholder,
    {{ localised("format('{:,}', customers)") }} as text
from sizes
union all
select
    segment_id,
    '{customer_share}' as placeholder,
    {{ worded_number('customers / sum(customers) over ()', "'share'") }} as text
from sizes
union all
select
    sizes.segment_id,
    '{currency}' as placeholder,
    currency.currency as text
from sizes
cross join {{ ref('stg_rulebook__currency') }} as currency
