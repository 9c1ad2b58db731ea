{# The one switch between kinds of input: what the ledger or the summary brings under a name. Each kind has the same
   relations with the same columns: customer_features, rejected_rows, accepted_rows, money, checks, account_status
   and protected_traits. Only models of customers/ call this. #}
{% macro of_kind(name) %}
    {{ return(ref('int_' ~ ('summary' if var('source_kind') == 'summary' else 'ledger') ~ '_' ~ name)) }}
{% endmacro %}
