{% set totals = ref('int_ledger_control_totals') %}
{% set duplicates = ref('int_ledger_duplicate_transactions') %}
{% set with_duplicates = may_have_rows(duplicates) %}

-- The one scan of the transactions. Each month of the window is a bit, so that a single group-by gives
-- sums, counts and distinct months: bits 0 to 11 for one-off purchases, 12 to 23 for instalments,
-- 24 to 35 for cash advances.
-- depends_on: {{ totals }} {{ duplicates }}
with

dated_transactions as (

    {{ beside_period(ref('stg_ledger__transactions')) }}

),

dated_duplicates as (

    {{ beside_period(duplicates) }}

),

scanned as (

    select
        account_id,
        amount,
        type_code,
        {{ month_index('posted_on') }} as month_index
    from dated_transactions
    where
        posted_on between window_starts_on and as_of_date
        {% if may_have_refused(totals, 'transactions') %}
        and rejection_reason is null
        {% endif %}
        {% if with_duplicates %}
        and not exists (
            select 1 from {{ duplicates }} as repeated
            where repeated.transaction_id = dated_transactions.transaction_id
        )
        {% endif %}

),

kept_duplicates as (

    select
        account_id,
        amount,
        type_code,
        {{ month_index('posted_on') }} as month_index
    from dated_duplicates
    where
        duplicate_rank = 1
        and posted_on between window_starts_on and as_of_date

),

transactions as (

    select * from scanned
    {% if with_duplicates %}
    union all
    select * from kept_duplicates
    {% endif %}

),

aggregated as (

    select
        account_id,
        bit_or(case when type_code <= 2 then 1::bigint << (month_index + 12 * type_code) end)
            as active_months,
        {% for type in transaction_types() -%}
        coalesce(sum(amount) filter (where type_code = {{ loop.index0 }}), 0) as {{ type }}_amount,
        {% endfor -%}
        count(*) as transactions,
        count(*) filter (where type_code <= 1) as purchases_trx,
        count(*) filter (where type_code = 2) as cash_advance_trx
    from transactions
    group by account_id

)

select * from aggregated
