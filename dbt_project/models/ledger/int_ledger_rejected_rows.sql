{{ config(materialized='view' if target.type == 'duckdb' else 'table') }}

-- The refusals with each row as it came. Rows read once hold that only where the row itself is at fault; of the others
-- it is read from the input, and only from the files that hold one.
-- depends_on: {{ ref('base_ledger__transactions') }} {{ ref('base_ledger__statements') }}
{% set refusals = ref('int_ledger_refusals') %}

{% for entity in ['transactions', 'statements'] -%}
{% set files = files_without_raw_rows(refusals, entity) -%}
select
    refusals.source,
    refusals.file,
    refusals.row_number,
    {{ 'coalesce(refusals.raw_row, rows_in.raw_row)' if files else 'refusals.raw_row' }} as raw_row,
    refusals.reason,
    refusals.measure,
    refusals.amount,
    refusals.counts_as_error
from {{ refusals }} as refusals
{% if files -%}
left join (
    select
        file,
        row_number,
        raw_row
    from {{ ref('base_ledger__' ~ entity) }}
    where file in ({{ files }})
) as rows_in
    on refusals.file = rows_in.file and refusals.row_number = rows_in.row_number
{% endif -%}
where refusals.source = '{{ entity }}'
union all
{% endfor -%}
select * from {{ refusals }}
where source = 'accounts'
