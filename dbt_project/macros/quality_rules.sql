{# What a consistent card statement rules out, as conditions on customer_features, whose meaning
   stands in the words (check.<name>). An error stops the build; warn and note are counted in data_quality_checks and kept. #}
{% macro quality_rules() %}
    {% set months = 'round({} * tenure)' %}
    {% set purchase_months = 'round(purchases_frequency * tenure)' %}
    {% set rules = [
        ('frequency_not_whole_months', 'error',
         'greatest(' ~ [
            'abs(balance_frequency * least(tenure, 11) - round(balance_frequency * least(tenure, 11)))',
            'abs(purchases_frequency * tenure - round(purchases_frequency * tenure))',
            'abs(oneoff_purchases_frequency * tenure - round(oneoff_purchases_frequency * tenure))',
            'abs(purchases_installments_frequency * tenure - round(purchases_installments_frequency * tenure))',
            'abs(cash_advance_frequency * tenure - round(cash_advance_frequency * tenure))',
         ] | join(', ') ~ ') > 0.1'),
        ('tenure_outside_window', 'error', 'tenure is null or tenure not between 1 and 12'),
        ('cash_advance_frequency_above_one', 'warn', 'cash_advance_frequency > 1.000001'),
        ('purchases_differ_from_parts', 'warn',
         'abs(purchases - oneoff_purchases - installments_purchases) > 0.01000001'),
        ('no_purchases_but_transactions', 'warn', 'purchases = 0 and purchases_trx > 0'),
        ('purchases_without_transactions', 'warn', 'purchases > 0 and purchases_trx = 0'),
        ('no_purchases_but_frequency', 'warn', 'purchases = 0 and purchases_frequency > 0'),
        ('fewer_purchases_than_months', 'warn', 'purchases_trx < ' ~ purchase_months),
        ('fewer_purchase_months_than_part', 'warn',
         purchase_months ~ ' < greatest(round(oneoff_purchases_frequency * tenure), round(purchases_installments_frequency * tenure))'),
        ('paid_in_full_below_minimum', 'warn',
         'prc_full_payment >= 0.999999 and minimum_payments > payments'),
        ('balance_missing', 'warn', 'balance is null and exists (select 1 from features as others where others.balance is not null)'),
        ('credit_limit_missing', 'warn', 'credit_limit is null and exists (select 1 from features as others where others.credit_limit is not null)'),
        ('credit_limit_below_500', 'warn', 'credit_limit < 500'),
        ('balance_above_limit', 'note', 'balance > credit_limit'),
        ('balance_far_above_limit', 'note', 'balance > 1.1 * credit_limit'),
        ('balance_twice_limit', 'note', 'balance > 2 * credit_limit'),
        ('minimum_due_above_payments', 'note', 'minimum_payments > payments'),
        ('minimum_due_above_limit', 'note', 'minimum_payments > credit_limit'),
        ('minimum_payments_missing', 'note', 'nothing_was_due'),
    ] %}
    {{ return(rules) }}
{% endmacro %}

{# The checks of int_ledger_checks, by name: each needs its words, too. #}
{% macro ledger_checks() %}
    {{ return([
        'unfinished_last_month', 'months_not_covered', 'months_without_statements', 'active_while_closed',
        'joint_accounts', 'refused_money_of_another_size', 'kinds_that_never_occur',
    ]) }}
{% endmacro %}
