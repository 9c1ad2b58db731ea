{% set source_customers = source('summary', 'customer_summary') %}

with

customers as (

    select * from {{ source_customers }}

),

-- Feature names are born here, in the source's order; what the source leaves empty stays null.
typed as (

    select
        {{ as_id(source_customers, 'cust_id') }} as customer_id,

        {% for name in summary_columns() -%}
        {{ as_number(source_customers, name, 'double') }} as {{ name }},
        {% endfor %}
        -- The first column that holds something that is no number.
        case
            {% for name in summary_columns() -%}
            when
                {{ is_given(source_customers, name) }}
                and {{ as_number(source_customers, name, 'double') }} is null
                then '{{ name }}'
            {% endfor -%}
        end as unreadable_column,
        {{ raw_row(source_customers) }} as raw_row,
        _file as file,
        _row_number as row_number
    from customers

),

judged as (

    select
        * exclude (unreadable_column),
        case
            when customer_id is null or customer_id = '' then 'cust_id is empty'
            when unreadable_column is not null then unreadable_column || ' is not a number'
            -- Of 6 to 12 months, as a file that was cut at its end or pasted has them.
            when tenure is null and prc_full_payment in (6, 7, 8, 9, 10, 11, 12)
                then
                    'the values stand one column too far to the left: tenure is empty, and prc_full_payment is '
                    || cast(cast(prc_full_payment as integer) as varchar)
            {% for name in summary_columns() -%}
            when {{ name }} < 0 then '{{ name }} is negative'
            when {{ name }} > 1e12 then '{{ name }} is above 1e12'
            {% endfor -%}
            -- Kaggle's file has months with cash advances up to 1.5 times tenure.
            {% for name in summary_columns() if name.endswith('_frequency') or name == 'prc_full_payment' -%}
            when {{ name }} > {{ 2 if name == 'cash_advance_frequency' else 1.01 }} then '{{ name }} is a share above 1'
            {% endfor -%}
            when tenure is null or tenure not between 1 and 12 or tenure != round(tenure)
                then 'tenure is not a whole number of months from 1 to 12'
            -- Frequencies are counts of months over tenure; files round them to as few as two decimals.
            when
                abs(balance_frequency * least(tenure, 11) - round(balance_frequency * least(tenure, 11)))
                > 0.1
                then 'balance_frequency x least(tenure, 11) is not a whole number of months'
            {% set shares = summary_columns() | select('ne', 'balance_frequency') | list %}
            {% for name in shares if name.endswith('_frequency') -%}
            when abs({{ name }} * tenure - round({{ name }} * tenure)) > 0.1
                then '{{ name }} x tenure is not a whole number of months'
            {% endfor -%}
        end as rejection_reason
    from typed

)

select * from judged
