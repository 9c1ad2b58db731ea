{# Every row whose key stands in more than one accepted row, ranked: rank 1 is kept, the others are
   rejected. Which one is kept depends on what the rows say, not on where they stand, so that the same
   rows in another order give the same result.

   The check looks for a 64-bit hash of the key that repeats first (macro repeated), over all rows, since judging each first
   costs more than the suspects it saves; it takes half the memory of looking for the text. Only accepted rows whose hash
   repeats are then compared by the key itself. With no repeated hash the second scan ends before it begins.

   account, date: columns of the key, of a table with few rows of an account on as many days. Then only accounts with more
   rows than days are looked at, a day being its bit of 63, which keeps those of months apart for two years. #}
{% macro ranked_duplicates(relation, key, content, account=none, date=none) -%}
    with

    {% if account -%}
    crowded_accounts as (

        select {{ account }}
        from {{ relation }}
        group by {{ account }}
        having count({{ date }}) > bit_count(bit_or(cast(1 as bigint) << ({{ day_number(date) }} % 63)))

    ),
    {%- endif %}

    hashed as (

        select {{ key_hash(key) }} as key_hash
        from {{ relation }}
        {% if account -%}
        where {{ account }} in (select {{ account }} from crowded_accounts)
        {%- endif %}

    ),

    repeated_hashes as (

        {{ repeated('key_hash', 'hashed') }}

    ),

    suspects as (

        select *
        from {{ relation }}
        where
            rejection_reason is null
            and {{ key_hash(key) }} in (select key_hash from repeated_hashes)

    ),

    ranked as (

        select
            *,
            count(*) over (partition by {{ key | join(', ') }}) as copies,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by {% for column in content + ['file', 'row_number'] %}{{ column }} nulls last{{ ', ' if not loop.last }}{% endfor %}
            ) as duplicate_rank
        from suspects

    )

    select {{ all_but(['copies', 'rejection_reason']) }}
    from ranked
    where copies > 1
{%- endmacro %}

{# False where a built relation is known to be empty, so that a join with it need not be written. #}
{% macro may_have_rows(relation) %}
    {{ return(may_find_rows('select 1 from ' ~ relation, [relation])) }}
{% endmacro %}

{# False where a query of built relations finds nothing; true where they are not built yet. #}
{% macro may_find_rows(query, relations) %}
    {% for relation in relations if not execute or not load_relation(relation) %}
        {{ return(true) }}
    {% endfor %}
    {{ return(run_query(query ~ ' limit 1').rows | length > 0) }}
{% endmacro %}
