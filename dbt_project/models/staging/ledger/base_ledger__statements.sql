{% set source_statements = source('ledger', 'statements') %}
{# Where the input keeps debt as a negative balance, it is turned. #}
{% set owed = '-' if spelling(source_statements, 'owed') else '' %}

with

statements as (

    select * from {{ source_statements }}

),

typed as (

    select
        {{ as_id(source_statements, 'account_id', many=true) }} as account_id,

        {{ as_date(source_statements, 'statement_on') }} as statement_on,
        {{ as_date(source_statements, 'due_on') }} as due_on,

        {{ owed }}{{ as_number(source_statements, 'closing_balance', 'decimal(18,2)') }} as closing_balance,
        {{ owed }}{{ as_number(source_statements, 'average_daily_balance', 'decimal(18,6)') }} as average_daily_balance,
        {{ as_number(source_statements, 'minimum_due', 'decimal(18,2)') }} as minimum_due,
        {{ as_number(source_statements, 'credit_limit', 'decimal(18,2)') }} as credit_limit,
        {{ as_number(source_statements, 'paid_by_due_on', 'decimal(18,2)') }} as paid_by_due_on,

        {{ lacks_id(source_statements, 'account_id') }} as lacks_account_id,
        {{ is_given(source_statements, 'minimum_due') }} as has_minimum_due,
        {{ is_given(source_statements, 'credit_limit') }} as has_credit_limit,
        {{ is_given(source_statements, 'paid_by_due_on') }} as has_paid_by_due_on,
        {{ raw_row(source_statements) }} as raw_row,
        _file as file,
        _row_number as row_number
    from statements

),

judged as (

    select
        {{ all_but(['lacks_account_id', 'has_minimum_due', 'has_credit_limit', 'has_paid_by_due_on']) }},
        case
            when lacks_account_id then 'account_id is empty'
            when statement_on is null then 'statement_on is not a date like 2025-12-31'
            when statement_on < date '1950-01-01' then 'statement_on lies before 1950'
            {% if not spelling(source_statements, 'due_on.absent') -%}
            when due_on is null then 'due_on is not a date like 2025-12-31'
            {% endif -%}
            when due_on < statement_on then 'due_on lies before statement_on'
            when closing_balance is null then 'closing_balance is not a number'
            when average_daily_balance is null then 'average_daily_balance is not a number'
            when minimum_due is null and has_minimum_due then 'minimum_due is not a number'
            when minimum_due < 0 then 'minimum_due is negative'
            when credit_limit is null and has_credit_limit then 'credit_limit is not a number'
            when credit_limit < 0 then 'credit_limit is negative'
            when paid_by_due_on is null and has_paid_by_due_on then 'paid_by_due_on is not a number'
            when paid_by_due_on < 0 then 'paid_by_due_on is negative'
        end as rejection_reason
    from typed

)

select * from judged
