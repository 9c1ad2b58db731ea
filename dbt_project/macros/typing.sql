{# Casts of raw input. Staging calls these; nothing else does.

   A raw column is text when it comes from a CSV file and has a type of its own when it comes from
   Parquet. Each macro looks at the type once, when the model is compiled, so that a typed column costs
   no text handling per row. What cannot be cast becomes null, and staging gives the reason. #}

{% macro raw_columns(relation) %}
    {# The input's own columns with their types, without the three that the intake adds. #}
    {% set columns = [] %}
    {% if execute and load_relation(relation) %}
        {% for column in adapter.get_columns_in_relation(relation) %}
            {% if column.name not in ['_file', '_row_number', '_decimal_comma'] %}
                {% do columns.append(column) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(columns) }}
{% endmacro %}

{% macro raw_type(relation, name) %}
    {% for column in raw_columns(relation) if column.name == name %}
        {{ return('varchar' if column.is_string() else column.data_type | lower) }}
    {% endfor %}
    {{ return('varchar') }}
{% endmacro %}

{% macro is_text(relation, name) %}
    {{ return(raw_type(relation, name) == 'varchar') }}
{% endmacro %}

{% macro clean_id(text) -%}
    {# An id without blanks around it, and a whole number without `.0`, as columns of numbers with gaps come out of
       pandas. Leading zeros, case and digits beyond 2^53 are part of an id. scripts/intake/customer_ids.py spells
       the ids of lists in the same way. #}
    regexp_replace(
        trim({{ text }}, {% for code in [32, 9, 10, 11, 12, 13, 160, 8199, 8239, 12288, 8203, 65279] %}chr({{ code }}){{ ' || ' if not loop.last }}{% endfor %}),
        '^([0-9]+)[.]0+$', '\1'
    )
{%- endmacro %}

{% macro as_id(relation, name, many=false) -%}
    {# many: for tables of millions of rows, where only what looks padded is cleaned: cleaning every row of a typed
       file would cost a third of its scan. #}
    {%- if raw_type(relation, name) in ['tinyint', 'smallint', 'integer', 'bigint', 'hugeint'] -%} cast({{ name }} as varchar)
    {%- elif not is_text(relation, name) -%} {{ clean_id('cast(' ~ name ~ ' as varchar)') }}
    {%- elif many -%}
    case
        when {{ name }} < '!' or suffix({{ name }}, ' ') or suffix({{ name }}, '.0') or strlen({{ name }}) != length({{ name }})
            then {{ clean_id(name) }}
        else {{ name }}
    end
    {%- else -%} {{ clean_id(name) }}
    {%- endif -%}
{%- endmacro %}

{% macro as_number(relation, name, type) -%}
    {# Text may carry thousands separators (1,234.50; 1 234,50 where the file uses the decimal comma).
       They are taken out only where every group has three digits: `12,34` is no number in a file with
       decimal points. NaN and infinity are no numbers. #}
    {%- if is_text(relation, name) -%}
    try_cast(
        case
            when not regexp_matches({{ name }}, '[^0-9.eE+-]') and not _decimal_comma then {{ name }}
            when not _decimal_comma and regexp_full_match(trim({{ name }}), '[+-]?[0-9]+(\.[0-9]*)?') then trim({{ name }})
            when not _decimal_comma and regexp_full_match(trim({{ name }}), '[+-]?[0-9]{1,3}([, ''][0-9]{3})+(\.[0-9]*)?')
                then regexp_replace(trim({{ name }}), '[, '']', '', 'g')
            when _decimal_comma and regexp_full_match(trim({{ name }}), '[+-]?[0-9]+(,[0-9]*)?')
                then replace(trim({{ name }}), ',', '.')
            when _decimal_comma and regexp_full_match(trim({{ name }}), '[+-]?[0-9]{1,3}([. ''][0-9]{3})+(,[0-9]*)?')
                then replace(regexp_replace(trim({{ name }}), '[. '']', '', 'g'), ',', '.')
        end as {{ type }}
    )
    {%- elif type == 'double' -%}
    case when isfinite(try_cast({{ name }} as double)) then try_cast({{ name }} as double) end
    {%- elif raw_type(relation, name).replace(' ', '') == type -%}
    {{ name }}
    {%- else -%}
    try_cast({{ name }} as {{ type }})
    {%- endif -%}
{%- endmacro %}

{% macro as_date(relation, name) -%}
    {%- if raw_type(relation, name) == 'date' -%} {{ name }}
    {%- elif is_text(relation, name) -%} try_cast(trim({{ name }}) as date)
    {%- else -%} try_cast({{ name }} as date)
    {%- endif -%}
{%- endmacro %}

{% macro is_given(relation, name) -%}
    {# True where the input holds something, whether or not it could be cast. #}
    {%- if is_text(relation, name) -%} coalesce(trim({{ name }}), '') != ''
    {%- else -%} {{ name }} is not null
    {%- endif -%}
{%- endmacro %}

{% macro raw_row(relation) -%}
    {# The row as it came, as JSON text, for rejected_rows. #}
    {%- set columns = raw_columns(relation) -%}
    {%- if columns -%}
    cast(to_json(struct_pack({% for column in columns %}{{ adapter.quote(column.name) }} := cast({{ adapter.quote(column.name) }} as varchar){{ ', ' if not loop.last }}{% endfor %})) as varchar)
    {%- else -%}
    cast(null as varchar)
    {%- endif -%}
{%- endmacro %}
