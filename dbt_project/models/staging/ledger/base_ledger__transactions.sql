{% set source_transactions = source('ledger', 'transactions') %}
{# Where the input keeps debt as a negative balance, it is turned. #}
{% set owed = '-' if spelling(source_transactions, 'owed') else '' %}
{% set tells_balances = balances_may_come_from(source_transactions, 'balance_after') %}

with

transactions as (

    select * from {{ source_transactions }}

),

typed as (

    select
        {{ as_id(source_transactions, 'transaction_id', many=true) }} as transaction_id,
        {{ as_id(source_transactions, 'account_id', many=true) }} as account_id,

        {{ as_date(source_transactions, 'posted_on') }} as posted_on,

        {{ as_id(source_transactions, 'transaction_type', many=true) }} as transaction_type,
        -- The code of a known type; see macro transaction_types. Only what is none as it came is cleaned for it.
        {% if is_text(source_transactions, 'transaction_type') -%}
        coalesce(
            {{ transaction_code('transaction_type') }},
            {{ code_of_text(as_id(source_transactions, 'transaction_type', many=true)) }}
        ) as type_code,
        {%- else -%}
        {{ code_of_text(as_id(source_transactions, 'transaction_type', many=true)) }} as type_code,
        {%- endif %}

        {{ as_number(source_transactions, 'amount', 'decimal(18,2)', credit=false) }} as amount,
        -- The account's balance behind it, owed above 0; only where there are no statements it counts.
        {% if has_column(source_transactions, 'balance_after') -%}
        {{ owed }}{{ as_number(source_transactions, 'balance_after', 'decimal(18,2)') }} as balance_after,
        {%- else -%}
        cast(null as decimal(18, 2)) as balance_after,
        {%- endif %}
        {{ is_given(source_transactions, 'balance_after') if tells_balances else 'false' }} as has_balance_after,

        {{ lacks_id(source_transactions, 'transaction_id') }} as lacks_transaction_id,
        {{ lacks_id(source_transactions, 'account_id') }} as lacks_account_id,
        {{ raw_row(source_transactions) }} as raw_row,
        _file as file,
        _row_number as row_number
    from transactions

),

judged as (

    select
        {{ all_but(['lacks_transaction_id', 'lacks_account_id', 'has_balance_after']) }},
        case
            when lacks_transaction_id then 'transaction_id is empty'
            when lacks_account_id then 'account_id is empty'
            when posted_on is null then 'posted_on is not a date like 2025-12-31'
            when posted_on < date '1950-01-01' then 'posted_on lies before 1950'
            when type_code is null
                then 'transaction_type is not one of {{ transaction_types() | join(", ") }}'
            when amount is null then 'amount is not a number of at most 16 digits before the point'
            when amount < 0 then 'amount is negative; the type says which way money moved'
            when balance_after is null and has_balance_after then 'balance_after is not a number'
        end as rejection_reason
    from typed

)

select * from judged
