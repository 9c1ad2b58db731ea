{% macro baseline_bins() %}
    {# [{feature, number, above, up_to}] of the model in use, the ends as literals or none; bin 0 is of those of whom the
       feature is not known. Read while the SQL is written, as scoring_parameters does. Lint hands over none: a stand-in
       keeps the SQL whole. #}
    {% if not execute or not load_relation(ref('model_in_use')) %}
        {{ return([{'feature': 'balance', 'number': 0, 'above': none, 'up_to': none}]) }}
    {% endif %}
    {% set query %}
        select
            part,
            bin,
            cast(up_to as string) as up_to,
            cast(lag(up_to) over (partition by part order by bin) as string) as above
        from ({{ learned('baseline') }}) as baseline
        where measure = 'feature'
        order by part, bin
    {% endset %}
    {% set bins = [] %}
    {% for row in run_query(query).rows %}
        {% do bins.append({
            'feature': row[0], 'number': row[1] | int,
            'up_to': as_double(row[2]) if row[2] is not none else none,
            'above': as_double(row[3]) if row[3] is not none else none,
        }) %}
    {% endfor %}
    {{ return(bins) }}
{% endmacro %}
