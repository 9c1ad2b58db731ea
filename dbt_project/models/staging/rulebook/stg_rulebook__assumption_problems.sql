with

assumptions as (

    select * from {{ ref('stg_rulebook__assumptions') }}

),

terms as (

    {% for name, unit, direction in economics_terms() + campaign_terms() %}
    select
        '{{ name }}' as assumption,
        '{{ unit }}' as kind,
        {{ direction }} as direction
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

wanted as (

    select assumption from terms
    union
    select 'currency' as assumption

)

select 'economics_assumptions.csv: ' || wanted.assumption || ' is missing; add its row' as problem
from wanted
where
    not exists (
        select 1 from {{ ref('economics_assumptions') }} as given
        where given.assumption = wanted.assumption
    )

union all
select
    place || ': no such assumption in the formulas; known are {{ economics_terms() | map("first") | join(", ") }}, '
    || '{{ campaign_terms() | map("first") | join(", ") }}' as problem
from assumptions
where
    not exists (
        select 1 from terms
        where terms.assumption = assumptions.assumption
    )

union all
select place || ' stands there ' || count(*) || ' times; keep one' as problem
from assumptions
group by place
having count(*) > 1

union all
select
    place || ' is ' || coalesce(low, 'empty') || ', ' || coalesce(base, 'empty') || ', '
    || coalesce(high, 'empty') || '; expected three numbers, none negative' as problem
from assumptions
where
    low_value is null or base_value is null or high_value is null
    or least(low_value, base_value, high_value) < 0
    or not abs(low_value + base_value + high_value) <= 1.7976931348623157e308

union all
select
    assumptions.place || ' is ' || assumptions.low || ', ' || assumptions.base || ', ' || assumptions.high
    || '; it is a share, so expected from 0 to 1, as 0.05 for five percent' as problem
from assumptions
inner join terms on assumptions.assumption = terms.assumption
where
    terms.kind = 'share'
    and greatest(assumptions.low_value, assumptions.base_value, assumptions.high_value) > 1

union all
select
    assumptions.place || ' is ' || assumptions.low || ', ' || assumptions.base || ', ' || assumptions.high
    || case terms.kind
        when 'rate' then '; it is a share of customers, so expected above 0 and below 1'
        else '; expected more than nothing'
    end as problem
from assumptions
inner join terms on assumptions.assumption = terms.assumption
where
    terms.kind in ('rate', 'years')
    and (
        least(assumptions.low_value, assumptions.base_value, assumptions.high_value) <= 0
        or (
            terms.kind = 'rate'
            and greatest(assumptions.low_value, assumptions.base_value, assumptions.high_value) >= 1
        )
    )

union all
select
    assumptions.place || ' is ' || assumptions.low || ', ' || assumptions.base || ', ' || assumptions.high
    || '; low is where the value is low, so '
    || case when terms.direction > 0 then 'low <= base <= high' else 'low >= base >= high' end
    || ' was expected' as problem
from assumptions
inner join terms on assumptions.assumption = terms.assumption
where
    terms.direction * assumptions.low_value > terms.direction * assumptions.base_value
    or terms.direction * assumptions.base_value > terms.direction * assumptions.high_value
