{# The columns of the summary's contract beside the id, in its order: the source's YAML is the list. #}
{% macro summary_columns() %}
    {% set names = [] %}
    {% if execute %}
        {% for source in graph.sources.values() if source.source_name == 'summary' %}
            {% for name in source.columns if name != 'cust_id' %}
                {% do names.append(name) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {{ return(names) }}
{% endmacro %}
