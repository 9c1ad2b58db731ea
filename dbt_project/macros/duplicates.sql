{# Every row whose key stands in more than one accepted row, ranked: rank 1 is kept, the others are
   rejected. Which one is kept depends on what the rows say, not on where they stand, so that the same
   rows in another order give the same result.

   The check groups by a 64-bit hash of the key first (half the time and memory of grouping by text, on
   50 million ids), over all rows, since judging each first costs more than the suspects it saves. Only
   accepted rows whose hash repeats are then compared by the key itself. With no repeated hash the second
   scan ends before it begins. #}
{% macro ranked_duplicates(relation, key, content) -%}
    with

    repeated_hashes as (

        select hash({{ key | join(', ') }}) as key_hash
        from {{ relation }}
        group by 1
        having count(*) > 1

    ),

    suspects as (

        select *
        from {{ relation }}
        where
            rejection_reason is null
            and hash({{ key | join(', ') }}) in (select key_hash from repeated_hashes)

    ),

    ranked as (

        select
            *,
            count(*) over (partition by {{ key | join(', ') }}) as copies,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by {{ content | join(', ') }}, file, row_number
            ) as duplicate_rank
        from suspects

    )

    select * exclude (copies, rejection_reason)
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
