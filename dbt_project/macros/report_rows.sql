{# Post-hook: tell the build how many rows the running stage is about, for the line it prints. A table's
   count is read from its metadata. #}
{% macro report_rows() %}
    {% if execute and model.config.get('meta', {}).get('reports_rows') %}
        {% do log('rows of the stage: ' ~ run_query('select count(*) from ' ~ this).rows[0][0]) %}
    {% endif %}
{% endmacro %}
