{% set source_accounts = source('ledger', 'accounts') %}
{# Where the input keeps debt as a negative balance, it is turned. #}
{% set owed = '-' if spelling(source_accounts, 'owed') else '' %}
{% set tells_balances = balances_may_come_from(source_accounts, 'opening_balance') %}

with

accounts as (

    select * from {{ source_accounts }}

),

typed as (

    select
        {{ as_id(source_accounts, 'account_id') }} as account_id,
        {{ as_id(source_accounts, 'customer_id') }} as customer_id,

        {{ as_date(source_accounts, 'opened_on') }} as opened_on,
        {{ as_date(source_accounts, 'closed_on', latest='9999-12-31') }} as closed_on,

        -- The holder who counts, where an account has a row for each of several; `role` need not be there.
        {% if has_column(source_accounts, 'role') -%}
        case when lower(trim(cast(role as string))) in ('primary', 'main', 'owner') then 0 else 1 end as holder_rank,
        {%- else -%}
        0 as holder_rank,
        {%- endif %}

        -- What was owed before the ledger's first transaction; used where nothing else tells balances.
        {% if has_column(source_accounts, 'opening_balance') -%}
        {{ owed }}{{ as_number(source_accounts, 'opening_balance', 'decimal(18,2)') }} as opening_balance,
        {%- else -%}
        cast(null as decimal(18, 2)) as opening_balance,
        {%- endif %}
        {{ is_given(source_accounts, 'opening_balance') if tells_balances else 'false' }} as has_opening_balance,

        {{ is_given(source_accounts, 'closed_on') }} as has_closed_on,
        {{ raw_row(source_accounts) }} as raw_row,
        _file as file,
        _row_number as row_number
    from accounts

),

judged as (

    select
        {{ all_but(['closed_on', 'has_closed_on', 'has_opening_balance']) }},
        -- 9999-12-31, 2999-12-31 and the like are how databases write "not closed".
        case when closed_on < date '2099-01-01' then closed_on end as closed_on,
        case
            when account_id is null or account_id = '' then 'account_id is empty'
            when customer_id is null or customer_id = '' then 'customer_id is empty'
            {% if not spelling(source_accounts, 'opened_on.absent') -%}
            when opened_on is null then 'opened_on is not a date like 2025-12-31'
            {% endif -%}
            when closed_on is null and has_closed_on then 'closed_on is not a date like 2025-12-31'
            when closed_on < opened_on then 'closed_on lies before opened_on'
            when opening_balance is null and has_opening_balance then 'opening_balance is not a number'
        end as rejection_reason
    from typed

)

select * from judged
