{# The features, read from the contract of customer_features: its columns of type double. #}
{% macro feature_names() %}
    {% set names = [] %}
    {% if execute %}
        {% for node in graph.nodes.values() if node.name == 'customer_features' and node.resource_type == 'model' %}
            {% for column in node.columns.values() if column.data_type == 'double' %}
                {% do names.append(column.name) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {{ return(names) }}
{% endmacro %}
