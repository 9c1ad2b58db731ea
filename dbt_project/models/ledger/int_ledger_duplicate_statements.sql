{{ ranked_duplicates(
    ref('stg_ledger__statements'),
    key=['account_id', 'statement_on'],
    content=[
        'due_on', 'closing_balance', 'average_daily_balance', 'minimum_due', 'credit_limit', 'paid_by_due_on'
    ],
    account='account_id',
    date='statement_on',
) }}
