-- The input as one row: how many customers, which features it knows, and a fingerprint.
with

features as (

    select * from {{ ref('int_customer_features') }}

)

select
    count(*) as customers,
    -- A summary carries no date: it is of the day that AS_OF says, else of that of the build.
    coalesce(
        max(as_of_date),
        cast('{{ var("as_of") or run_started_at.strftime("%Y-%m-%d") }}' as date)
    ) as as_of_date,
    -- It does not depend on the order of rows: the sum of the rows' hashes.
    md5(cast(sum(cast(md5_number_lower(cast(to_json(features) as varchar)) as hugeint)) as varchar))
        as input_fingerprint,
    concat_ws(
        ', ',
        {% for name in feature_names() -%}
        case when count({{ name }}) = 0 then '{{ name }}' end{{ ',' if not loop.last }}
        {% endfor -%}
    ) as unknown_features
from features
