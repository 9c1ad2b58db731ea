{# Files of text whose rows are kept as they were read, so that the next build need not read them again: the table
   raw.kept_files names them, see scripts/job/kept_rows.py. #}

{% macro kept_files(entity) %}
    {# Of one table of the input: its file, the Parquet file for its rows, and whether that is there already. #}
    {%- set files = source('intake', 'kept_files') -%}
    {% if not execute or not load_relation(files) %}
        {{ return([]) }}
    {% endif %}
    {{ return(run_query('select file, path, is_there from ' ~ files ~ " where source = '" ~ entity ~ "' order by file").rows) }}
{% endmacro %}

{% macro text_literal(text) -%} '{{ text | replace("'", "''") }}' {%- endmacro %}

{# The rows of a table of the input, read from its files once: a file that is new is read, judged and written to its
   Parquet file, in one pass, and from then on read there. There a row as it came stands only where it is refused.
   base: every row as staging types it. #}
{% macro rows_read_once(entity, base) -%}
    {%- set kept = [] -%}
    {%- set others = [] -%}
    {%- for file, path, is_there in kept_files(entity) -%}
        {%- if not is_there and flags.WHICH == 'build' -%}
            {%- do run_query(
                'copy (select * replace (case when rejection_reason is not null then raw_row end as raw_row) from ' ~ base
                ~ ' where file = ' ~ text_literal(file) ~ ') to ' ~ text_literal(path) ~ ' (format parquet, compression zstd)'
            ) -%}
        {%- endif -%}
        {%- if is_there or flags.WHICH == 'build' -%}
            {%- do kept.append({'file': text_literal(file), 'path': text_literal(path)}) -%}
        {%- endif -%}
    {%- endfor -%}
    select * from {{ base }}
    {% if kept -%}
    where file not in ({{ kept | map(attribute='file') | join(', ') }})
    union all
    select * from read_parquet([{{ kept | map(attribute='path') | join(', ') }}])
    {%- endif %}
{%- endmacro %}

{% macro files_without_raw_rows(refusals, entity) %}
    {# The files, as literals, of refused rows that are to be read again to show them as they came. #}
    {% set files = [] %}
    {% if kept_files(entity) and load_relation(refusals) %}
        {% for row in run_query(
            'select distinct file from ' ~ refusals ~ " where raw_row is null and source = '" ~ entity ~ "' order by file"
        ).rows %}
            {% do files.append(text_literal(row[0])) %}
        {% endfor %}
    {% endif %}
    {{ return(files | join(', ')) }}
{% endmacro %}
