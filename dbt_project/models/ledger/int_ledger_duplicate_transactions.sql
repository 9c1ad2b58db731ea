{{ ranked_duplicates(
    ref('stg_ledger__transactions'),
    key=['transaction_id'],
    content=['posted_on', 'account_id', 'type_code', 'amount'],
) }}
