{# Casts of raw input. Staging calls these; nothing else does.

   A raw column is text when it comes from a CSV file and has a type of its own when it comes from
   Parquet. Each macro looks at the type once, when the model is compiled, so that a typed column costs
   no text handling per row. What cannot be cast becomes null, and staging gives the reason. #}

{% macro raw_columns(relation) %}
    {# The input's own columns with their types, without the two that the intake adds. #}
    {% set columns = [] %}
    {% if execute and load_relation(relation) %}
        {% for column in adapter.get_columns_in_relation(relation) %}
            {% if column.name not in ['_file', '_row_number'] %}
                {% do columns.append(column) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(columns) }}
{% endmacro %}

{% macro raw_type(relation, name) %}
    {% for column in raw_columns(relation) if column.name == name %}
        {% set type = column.data_type | lower %}
        {{ return('string' if column.is_string() or type == 'string' else 'integer' if type == 'int' else type) }}
    {% endfor %}
    {{ return('string') }}
{% endmacro %}

{% macro has_column(relation, name) %}
    {# Whether the input has a column that it need not have. #}
    {{ return(name in raw_columns(relation) | map(attribute='name')) }}
{% endmacro %}

{% macro is_text(relation, name) %}
    {{ return(raw_type(relation, name) == 'string') }}
{% endmacro %}

{% macro clean_id(text) -%}
    {# An id without blanks around it, and a whole number without `.0`, as columns of numbers with gaps come out of
       pandas. Leading zeros, case and digits beyond 2^53 are part of an id. scripts/intake/customer_ids.py spells
       the ids of lists in the same way. #}
    {%- set blanks -%}
    ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || '{{ "\u00a0\u2007\u202f\u3000\u200b\ufeff" }}'
    {%- endset -%}
    {{ with_replaced('trim(both ' ~ blanks ~ ' from ' ~ text ~ ')', '^([0-9]+)[.]0+$', '\\1') }}
{%- endmacro %}

{# Whether an id as text may have blanks at its ends, or stand for a whole number with decimals: a cheap look at each of
   millions of rows. many: see as_id. #}
{% macro may_need_cleaning(name, many) -%}
    {{ name }} < '!' or {{ has_end(name, "' '") }} or {{ is_beyond_ascii(name) }}
    {%- if many %} or {{ has_end(name, "'.0'") }}
    {%- else %} or ({{ has_end(name, "'0'") }} and contains({{ name }}, '.'))
        {%- for code in [9, 10, 11, 12, 13] %} or {{ has_end(name, 'chr(' ~ code ~ ')') }}{% endfor %}
    {%- endif %}
{%- endmacro %}

{% macro as_id(relation, name, many=false) -%}
    {# Only a text that may be padded or a number with decimals is cleaned: cleaning every row of a typed file would cost a
       third of its scan. many: for tables of millions of rows, where each look at an end costs 1% of the build; a
       tab or line end behind an id is left there, and refuses its row, as no account is called so. #}
    {%- if raw_type(relation, name) in ['tinyint', 'smallint', 'integer', 'bigint', 'hugeint'] -%} cast({{ name }} as string)
    {%- elif not is_text(relation, name) -%} {{ clean_id('cast(' ~ name ~ ' as string)') }}
    {%- else -%}
    case
        when {{ may_need_cleaning(name, many) }}
            then {{ clean_id(name) }}
        else {{ name }}
    end
    {%- endif -%}
{%- endmacro %}

{% macro lacks_id(relation, name) -%}
    {# True where an id is empty but for blanks; of a table of millions of rows without cleaning them all. #}
    {%- if is_text(relation, name) -%}
    case
        when {{ name }} is null then true
        when {{ name }} < '!' or {{ name }} > '~' then {{ clean_id(name) }} = ''
        else false
    end
    {%- else -%} {{ name }} is null
    {%- endif -%}
{%- endmacro %}

{% macro spelling(relation, name) -%}
    {# What the intake found out about a column: a decimal comma, the order of its dates, their time zone. #}
    {# A unit test's relation has the entity's name at its end. #}
    {{- return(var('spellings').get(relation.identifier.split('__')[-1] ~ '.' ~ name, '')) -}}
{%- endmacro %}

{% macro empties() -%}
    {# Words for nothing, as scripts/intake/spellings.py lists them. #}
    ('NA', 'na', 'N/A', 'n/a', '#N/A', 'NULL', 'Null', 'null', '\N', 'NaN', 'nan', 'None', 'none', '-', '')
{%- endmacro %}

{% macro trimmed(name) -%}
    trim(both ' ' || chr(9) || '{{ "\u00a0\u202f" }}' from {{ name }})
{%- endmacro %}

{% macro number_text(name, mark, credit) -%}
    {# A number as people and programs write it, with a decimal point and without anything else; null where it is none.
       Groups have three digits, or as in India two above the last three: `12,34` is no number where points set off
       decimals. Minus, brackets and, with credit, CR make it negative. #}
    {%- set point = '[' ~ mark ~ ']' -%}
    {%- set whole = ['[0-9]+'] -%}
    {%- for group in ['[' ~ (',' if mark == '.' else '.') ~ ']', '[ \\x{00A0}\\x{2007}\\x{2009}\\x{202F}]', "['\\x{2019}]"] -%}
    {%- do whole.append('[0-9]{1,3}(' ~ group ~ '[0-9]{3})+|[0-9]{1,2}(' ~ group ~ '[0-9]{2})+' ~ group ~ '[0-9]{3}') -%}
    {%- endfor -%}
    {%- set digits = '(' ~ whole | join('|') ~ ')(' ~ point ~ '[0-9]*)?|' ~ point ~ '[0-9]+' -%}
    {%- set currency = '(\\p{Sc}|[A-Z]{1,2}\\p{Sc}|[A-Z]{3}|[Rr]p|[Rr]s|RM|kr|zł|Kč)' -%}
    {%- set space = '[ \\x{00A0}\\x{202F}]?' -%}
    {%- set minus = '[-+\\x{2212}]?' -%}
    {%- set body = minus ~ space ~ '(' ~ currency ~ '[.]?' ~ space ~ minus ~ ')?(' ~ digits ~ ')' ~ space ~ currency ~ '?' ~ space ~ '([CcDd][Rr]|[-\\x{2212}])?' -%}
    {%- set shape = '[(]?' ~ body ~ '[)]?' -%}
    case when {{ is_of_pattern(trimmed(name), shape | replace("'", "''")) }}
        and contains({{ name }}, '(') = contains({{ name }}, ')')
        then
            case when {{ has_pattern(name, '[-(\\x{2212}]' ~ ('|[Cc][Rr]' if credit else '')) }} then '-' else '' end
            || replace(
                {{ with_replaced(with_replaced(name, '([A-Za-z])[.]', '\\1'), '[^0-9' ~ mark ~ ']', '') }},
                '{{ mark }}', '.'
            )
    end
{%- endmacro %}

{% macro as_number(relation, name, type, credit=true) -%}
    {# credit: CR behind a number makes it negative, as in a balance; not where a type says which way money moved.
       NaN and infinity are no numbers; a column in percent points comes out as shares,
       and one in another unit, as cents, in the job's. #}
    {%- if is_text(relation, name) -%}
    {%- set mark = spelling(relation, name) or '.' -%}
    {%- set text = "trim(trailing '% ' from " ~ name ~ ")" if spelling(relation, name ~ '.percent') else name -%}
    try_cast(
        case
            when not {{ has_pattern(text, '[^0-9.eE+-]|[-+]$' if mark == '.' else '[^0-9]') }} then {{ text }}
            else {{ number_text(text, mark, credit) }}
        end as {{ type }}
    )
    {%- elif type == 'double' -%}
    {# Neither NaN, which is above all numbers, nor infinity. #}
    case when abs(try_cast({{ name }} as double)) <= 1.7976931348623157e308 then try_cast({{ name }} as double) end
    {%- elif raw_type(relation, name).replace(' ', '') == type -%}
    {{ name }}
    {%- elif raw_type(relation, name) in ['double', 'float'] -%}
    {{ as_decimal(name, type) }}
    {%- else -%}
    try_cast({{ name }} as {{ type }})
    {%- endif -%}
    {%- set unit = spelling(relation, name ~ '.divide_by') or ('100' if spelling(relation, name ~ '.percent')) -%}
    {{- ' / ' ~ unit if unit -}}
{%- endmacro %}

{% macro as_date(relation, name, latest='2999-12-31') -%}
    {# A day from 1900 to `latest`; a time behind it is left off. Texts without a year of four digits are no dates like
       2025-12-31. Infinity, the year 1 and the like, as databases write them for "unknown", are no days. #}
    {%- set order = spelling(relation, name) -%}
    {%- set in_parts = '[0-9]{1,2}[-./][0-9]{1,2}[-./]([0-9]{4}|[0-9]{2})' -%}
    {%- set shapes = {
        'dmy': in_parts, 'mdy': in_parts,
        'named': '[0-9]{1,2}[- /][A-Za-z]{3}[- /]([0-9]{4}|[0-9]{2})', 'compact': '[0-9]{8}',
    } -%}
    {%- set time = '([T ,] ?[0-9][0-9:.,]*( ?[A-Za-z+-][A-Za-z0-9:/_+-]*)?)?' -%}
    {%- set day -%}
    {%- if raw_type(relation, name) == 'date' -%} {{ name }}
    {%- elif not is_text(relation, name) and order -%} {{ day_in_zone(name, order) }}
    {%- elif not is_text(relation, name) -%} try_cast({{ name }} as date)
    {%- elif order -%}
    {{ day_in_order(trimmed(name), order, shapes, time) }}
    {%- else -%}
    {%- set shape = '[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}' ~ time -%}
    case
        when {{ is_of_pattern(name, shape) }} then {{ iso_day(name) }}
        when {{ is_of_pattern(trimmed(name), shape) }} then {{ iso_day(trimmed(name)) }}
    end
    {%- endif -%}
    {%- endset -%}
    {# DuckDB computes the day once, though it stands here twice. #}
    case when {{ day }} between date '1900-01-01' and date '{{ latest }}' then {{ day }} end
{%- endmacro %}

{% macro is_given(relation, name) -%}
    {# True where the input holds something, whether or not it could be cast. #}
    {%- if is_text(relation, name) -%} coalesce(trim({{ name }}), '') not in {{ empties() }}
    {%- else -%} {{ name }} is not null
    {%- endif -%}
{%- endmacro %}

{% macro raw_row(relation) -%}
    {# The row as it came, as JSON text, for rejected_rows. #}
    {%- set columns = raw_columns(relation) -%}
    {%- if columns -%}
    {{ json_of(columns | map(attribute='name') | list) }}
    {%- else -%}
    cast(null as string)
    {%- endif -%}
{%- endmacro %}
