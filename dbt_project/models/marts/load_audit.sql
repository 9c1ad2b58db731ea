{% set money_features = feature_names(unit='money') %}
{% set money = 'columns(' ~ money_features ~ ')' %}

-- depends_on: {{ ref('customer_features') }}
with

rejected as (

    select * from {{ ref('rejected_rows') }}

),

rows_by_source as (

    select
        source,
        string_agg(file, ', ' order by file) as files,
        sum(rows) as rows_in
    from {{ source('intake', 'inputs') }}
    group by source

),

rejected_by_source as (

    select
        source,
        count(*) as rows_rejected,
        count(*) filter (counts_as_error) as rows_in_error
    from rejected
    group by source

),

{% if var('source_kind') == 'summary' %}
accepted_by_source as (

    select
        'customer_summary' as source,
        count(*) as rows_accepted
    from {{ ref('int_summary_customer_features') }}

),

-- Each column of money summed under its own name. Amounts beyond what staging takes stand in no total:
-- some have more digits than a sum can hold.
money_in_input as (

    select sum(case when abs({{ money }}) <= 1e12 then cast({{ money }} as decimal(24, 6)) end)
    from {{ ref('stg_summary__customers') }}

),

money_in_refused as (

    select sum(case when abs({{ money }}) <= 1e12 then cast({{ money }} as decimal(24, 6)) end)
    from {{ ref('stg_summary__customers') }}
    where rejection_reason is not null

),

money_in_duplicates as (

    select sum(cast({{ money }} as decimal(24, 6)))
    from {{ ref('int_summary_duplicate_customers') }}
    where duplicate_rank > 1

),

money_in_features as (

    select sum(cast({{ money }} as decimal(24, 6)))
    from {{ ref('int_summary_customer_features') }}

),

money as (

    {% for name in money_features %}
    select
        'customer_summary' as source,
        '{{ name }}' as measure,
        coalesce(money_in_input.{{ name }}, 0) as amount_in,
        coalesce(money_in_features.{{ name }}, 0) as amount_in_features,
        0 as amount_outside_window,
        coalesce(money_in_refused.{{ name }}, 0) + coalesce(money_in_duplicates.{{ name }}, 0)
            as amount_rejected
    from money_in_input
    cross join money_in_refused
    cross join money_in_duplicates
    cross join money_in_features
    {{ 'union all' if not loop.last }}
    {% endfor %}

),
{% else %}
rejected_by_measure as (

    select
        source,
        measure,
        sum(amount) as amount_rejected
    from rejected
    group by source, measure

),

accepted_by_source as (

    -- Counted where the rows are used, apart from the refusals; before the window they are history.
    select
        'accounts' as source,
        count(*) as rows_accepted
    from {{ ref('int_ledger_accounts') }}
    {% for entity, relation in [
        ('transactions', 'int_ledger_account_activity'), ('statements', 'int_ledger_account_statements')
    ] -%}
    union all
    select
        '{{ entity }}' as source,
        coalesce(sum({{ entity }}), 0) + (
            select sum(rows_outside_window) from {{ ref('int_ledger_control_totals') }}
            where source = '{{ entity }}'
        ) as rows_accepted
    from {{ ref(relation) }}
    where account_id in (select account_id from {{ ref('int_ledger_accounts') }})
    {% endfor %}

),

used as (

    {% for type in transaction_types() -%}
    select
        'transactions' as source,
        '{{ type }}' as measure,
        sum({{ type }}_amount) as amount
    from {{ ref('int_ledger_account_activity') }}
    where account_id in (select account_id from {{ ref('int_ledger_accounts') }})
    union all
    {% endfor -%}
    select
        'statements' as source,
        'minimum_due' as measure,
        sum(minimum_due) as amount
    from {{ ref('int_ledger_account_statements') }}
    where account_id in (select account_id from {{ ref('int_ledger_accounts') }})

),

money as (

    select
        totals.source,
        totals.measure,
        coalesce(totals.amount_in, 0) as amount_in,
        coalesce(used.amount, 0) as amount_in_features,
        totals.amount_outside_window,
        coalesce(rejected_by_measure.amount_rejected, 0) as amount_rejected
    from {{ ref('int_ledger_control_totals') }} as totals
    left join used on totals.source = used.source and totals.measure = used.measure
    left join rejected_by_measure
        on totals.source = rejected_by_measure.source and totals.measure = rejected_by_measure.measure

),
{% endif %}

row_counts as (

    select
        rows_by_source.source,
        'rows' as measure,
        rows_by_source.files,
        rows_by_source.rows_in,
        accepted_by_source.rows_accepted,
        coalesce(rejected_by_source.rows_rejected, 0) as rows_rejected,
        coalesce(rejected_by_source.rows_in_error, 0) as rows_in_error
    from rows_by_source
    inner join accepted_by_source on rows_by_source.source = accepted_by_source.source
    left join rejected_by_source on rows_by_source.source = rejected_by_source.source

),

audited as (

    select
        *,
        null as amount_in,
        null as amount_in_features,
        null as amount_outside_window,
        null as amount_rejected
    from row_counts
    union all by name
    select * from money

)

select
    source,
    measure,
    cast(files as varchar) as files,

    cast(rows_in as bigint) as rows_in,
    cast(rows_accepted as bigint) as rows_accepted,
    cast(rows_rejected as bigint) as rows_rejected,
    cast(rows_in_error as bigint) as rows_in_error,

    cast(amount_in as decimal(28, 6)) as amount_in,
    cast(amount_in_features as decimal(28, 6)) as amount_in_features,
    cast(amount_outside_window as decimal(28, 6)) as amount_outside_window,
    cast(amount_rejected as decimal(28, 6)) as amount_rejected
from audited
