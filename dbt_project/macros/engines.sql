{# What DuckDB and Spark write differently; everything else in the models of a ledger is SQL of both. Each macro has a form
   per engine, and tests/spark holds what they give against each other. Texts are literals as they stand: the session of
   Spark (scripts/dbt/spark.py) leaves backslashes alone. #}

{# A star without some columns. #}
{% macro all_but(columns) %}
    {{ return(adapter.dispatch('all_but')(columns)) }}
{% endmacro %}

{% macro duckdb__all_but(columns) -%} * exclude ({{ columns | join(', ') }}) {%- endmacro %}
{% macro spark__all_but(columns) -%} * except ({{ columns | join(', ') }}) {%- endmacro %}

{# A column's name as an identifier, whatever stands in it. #}
{% macro quoted(name) %}
    {{ return(adapter.dispatch('quoted')(name)) }}
{% endmacro %}

{% macro duckdb__quoted(name) %}
    {{ return(adapter.quote(name | replace('"', '""'))) }}
{% endmacro %}
{% macro spark__quoted(name) %}
    {{ return(adapter.quote(name | replace('`', '``'))) }}
{% endmacro %}

{# A 64-bit hash of a key. The engines' differ, so that nothing but equality may hang on it. #}
{% macro key_hash(columns) %}
    {{ return(adapter.dispatch('key_hash')(columns)) }}
{% endmacro %}

{% macro duckdb__key_hash(columns) -%} hash({{ columns | join(', ') }}) {%- endmacro %}
{% macro spark__key_hash(columns) -%} xxhash64({{ columns | join(', ') }}) {%- endmacro %}

{# A select of the values of a column that stand in more than one row. Sorted, equal ones stand side by side: on 50 million
   hashes DuckDB takes 0.7 of the processor time and 0.64 of the memory of grouping. Spark would sort all of them in one
   place. #}
{% macro repeated(column, relation) %}
    {{ return(adapter.dispatch('repeated')(column, relation)) }}
{% endmacro %}

{% macro duckdb__repeated(column, relation) -%}
    select {{ column }}
    from (
        select
            {{ column }},
            lag({{ column }}) over (order by {{ column }}) as value_before
        from {{ relation }}
    ) as in_order
    where {{ column }} = value_before
{%- endmacro %}
{% macro spark__repeated(column, relation) -%}
    select {{ column }}
    from {{ relation }}
    group by {{ column }}
    having count(*) > 1
{%- endmacro %}

{# Days since the beginning of 1900. #}
{% macro day_number(date_column) %}
    {{ return(adapter.dispatch('day_number')(date_column)) }}
{% endmacro %}

{% macro duckdb__day_number(date_column) -%} ({{ date_column }} - date '1900-01-01') {%- endmacro %}
{% macro spark__day_number(date_column) -%} datediff({{ date_column }}, date '1900-01-01') {%- endmacro %}

{# The day of a moment at the clocks of a time zone. #}
{% macro day_in_zone(moment, zone) %}
    {{ return(adapter.dispatch('day_in_zone')(moment, zone)) }}
{% endmacro %}

{% macro duckdb__day_in_zone(moment, zone) -%} cast(timezone('{{ zone }}', {{ moment }}) as date) {%- endmacro %}
{% macro spark__day_in_zone(moment, zone) -%} cast(from_utc_timestamp({{ moment }}, '{{ zone }}') as date) {%- endmacro %}

{# A floating-point number as a decimal one, as decimal(18,2): the number with its decimals moved before the point, rounded.
   Spark's own cast rounds what the number is written as: 0.285, which is a little less, to 0.29. #}
{% macro as_decimal(number, type) %}
    {{ return(adapter.dispatch('as_decimal')(number, type)) }}
{% endmacro %}

{% macro duckdb__as_decimal(number, type) -%} try_cast({{ number }} as {{ type }}) {%- endmacro %}
{% macro spark__as_decimal(number, type) -%}
    {%- set decimals = type.split(',')[1].rstrip(')') -%}
    try_cast(try_cast(round({{ number }} * 1e{{ decimals }}) as decimal(18, 0)) * 1e-{{ decimals }}BD as {{ type }})
{%- endmacro %}

{# Whether a whole text is of a pattern. #}
{% macro is_of_pattern(text, pattern) %}
    {{ return(adapter.dispatch('is_of_pattern')(text, pattern)) }}
{% endmacro %}

{% macro duckdb__is_of_pattern(text, pattern) -%} regexp_full_match({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro spark__is_of_pattern(text, pattern) -%} regexp_like({{ text }}, '^(?:{{ pattern }})\z') {%- endmacro %}

{# Whether a part of a text is. #}
{% macro has_pattern(text, pattern) %}
    {{ return(adapter.dispatch('has_pattern')(text, pattern)) }}
{% endmacro %}

{% macro duckdb__has_pattern(text, pattern) -%} regexp_matches({{ text }}, '{{ pattern }}') {%- endmacro %}
{% macro spark__has_pattern(text, pattern) -%} regexp_like({{ text }}, '{{ pattern }}') {%- endmacro %}

{# A text with something else, a first group of it as \1, in place of each part that is of a pattern. #}
{% macro with_replaced(text, pattern, by) %}
    {{ return(adapter.dispatch('with_replaced')(text, pattern, by)) }}
{% endmacro %}

{% macro duckdb__with_replaced(text, pattern, by) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ by }}', 'g')
{%- endmacro %}
{% macro spark__with_replaced(text, pattern, by) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ by | replace("\\1", "$1") }}')
{%- endmacro %}

{# Whether a text ends with another; both SQL. #}
{% macro has_end(text, end) %}
    {{ return(adapter.dispatch('has_end')(text, end)) }}
{% endmacro %}

{% macro duckdb__has_end(text, end) -%} suffix({{ text }}, {{ end }}) {%- endmacro %}
{% macro spark__has_end(text, end) -%} endswith({{ text }}, {{ end }}) {%- endmacro %}

{# Whether a text takes more bytes than it has characters. #}
{% macro is_beyond_ascii(text) %}
    {{ return(adapter.dispatch('is_beyond_ascii')(text)) }}
{% endmacro %}

{% macro duckdb__is_beyond_ascii(text) -%} strlen({{ text }}) != length_grapheme({{ text }}) {%- endmacro %}
{% macro spark__is_beyond_ascii(text) -%} octet_length({{ text }}) != char_length({{ text }}) {%- endmacro %}

{# The place of a text in a list, from 0; empty where it is not there. The text is written once, for the engines compute
   for every row what they meet twice. #}
{% macro place_among(texts, text) %}
    {{ return(adapter.dispatch('place_among')(texts, text)) }}
{% endmacro %}

{% macro duckdb__place_among(texts, text) -%} list_position({{ texts }}, {{ text }}) - 1 {%- endmacro %}
{% macro spark__place_among(texts, text) -%}
    nullif(array_position(array('{{ texts | join("', '") }}'), {{ text }}), 0) - 1
{%- endmacro %}

{# The day of a text like 2025-12-31 or 2025/12/31, whatever stands behind it; empty where there is no such day. #}
{% macro iso_day(text) %}
    {{ return(adapter.dispatch('iso_day')(text)) }}
{% endmacro %}

{% macro duckdb__iso_day(text) -%} try_cast({{ text }} as date) {%- endmacro %}
{% macro spark__iso_day(text) -%}
    {# Both separators are the same. #}
    try_cast(replace(regexp_extract({{ text }}, '^[0-9]{4}([-/])[0-9]{1,2}\1[0-9]{1,2}', 0), '/', '-') as date)
{%- endmacro %}

{# The day of a text like 31/12/2025 or 31/12/25, in an order of scripts/intake/spellings.py; two digits of a year are those
   from 1969 to 2068. shapes: the pattern of the day by order; time: that of what may stand behind it. #}
{% macro day_in_order(text, order, shapes, time) %}
    {{ return(adapter.dispatch('day_in_order')(text, order, shapes, time)) }}
{% endmacro %}

{% macro duckdb__day_in_order(text, order, shapes, time) -%}
    {%- set formats = {
        'dmy': "['%d/%m/%y', '%d/%m/%Y']", 'mdy': "['%m/%d/%y', '%m/%d/%Y']",
        'named': "['%d/%b/%y', '%d/%b/%Y']", 'compact': "['%Y%m%d']",
    } -%}
    {# Only text of the right shape gets here: strptime reads `epoch` and `infinity` in every format. #}
    cast(try_strptime(regexp_replace(regexp_extract({{ text }}, '^({{ shapes[order] }}){{ time }}$', 1), '[-. ]', '/', 'g'), {{ formats[order] }}) as date)
{%- endmacro %}
{% macro spark__day_in_order(text, order, shapes, time) -%}
    {%- set day = "regexp_extract(" ~ text ~ ", '^(" ~ shapes[order] ~ ")" ~ time ~ "\\z', 1)" -%}
    {%- if order == 'compact' -%}
    try_cast(regexp_replace({{ day }}, '^([0-9]{4})([0-9]{2})([0-9]{2})', '$1-$2-$3') as date)
    {%- else -%}
    {%- set part = "regexp_extract(" ~ day ~ ", '^([^-/. ]+)[-/. ]([^-/. ]+)[-/. ](.+)', " -%}
    {%- set month = part ~ ('1' if order == 'mdy' else '2') ~ ')' -%}
    {%- if order == 'named' -%}
    {%- set month = "locate(lower(" ~ month ~ "), 'janfebmaraprmayjunjulaugsepoctnovdec')" -%}
    {%- set month = "case when " ~ month ~ " % 3 = 1 then cast((" ~ month ~ " + 2) div 3 as string) end" -%}
    {%- endif -%}
    try_cast(
        regexp_replace(regexp_replace({{ part }}3), '^([0-6][0-9])\z', '20$1'), '^([0-9]{2})\z', '19$1')
        || '-' || {{ month }} || '-' || {{ part }}{{ '2' if order == 'mdy' else '1' }}) as date
    )
    {%- endif -%}
{%- endmacro %}

{# Columns as the text of a JSON object, empty ones too. #}
{% macro json_of(names) %}
    {{ return(adapter.dispatch('json_of')(names)) }}
{% endmacro %}

{% macro duckdb__json_of(names) -%}
    cast(to_json(struct_pack({% for name in names %}{{ quoted(name) }} := cast({{ quoted(name) }} as string){{ ', ' if not loop.last }}{% endfor %})) as string)
{%- endmacro %}
{% macro spark__json_of(names) -%}
    to_json(
        struct({% for name in names %}cast({{ quoted(name) }} as string) as {{ quoted(name) }}{{ ', ' if not loop.last }}{% endfor %}),
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}

{# The texts of a group in one, in order; an aggregate. #}
{% macro joined_in_order(text, separator, order_by) %}
    {{ return(adapter.dispatch('joined_in_order')(text, separator, order_by)) }}
{% endmacro %}

{% macro duckdb__joined_in_order(text, separator, order_by) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}
{% macro spark__joined_in_order(text, separator, order_by) -%}
    listagg({{ text }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}

{# The first few of a column's values with a blank between; an aggregate. #}
{% macro first_few(column, count) %}
    {{ return(adapter.dispatch('first_few')(column, count)) }}
{% endmacro %}

{% macro duckdb__first_few(column, count) -%} array_to_string(min({{ column }}, {{ count }}), ' ') {%- endmacro %}
{% macro spark__first_few(column, count) -%}
    array_join(min_by({{ column }}, {{ column }}, {{ count }}), ' ')
{%- endmacro %}

{# A window function: the last value so far that is known. #}
{% macro last_known(column) %}
    {{ return(adapter.dispatch('last_known')(column)) }}
{% endmacro %}

{% macro duckdb__last_known(column) -%} last_value({{ column }} ignore nulls) {%- endmacro %}
{% macro spark__last_known(column) -%} last_value({{ column }}, true) {%- endmacro %}

{# A number without decimals, its thousands set off by commas. #}
{% macro grouped(number) %}
    {{ return(adapter.dispatch('grouped')(number)) }}
{% endmacro %}

{% macro duckdb__grouped(number) -%} format('{:,.0f}', {{ number }}) {%- endmacro %}
{% macro spark__grouped(number) -%} format_number({{ number }}, 0) {%- endmacro %}
