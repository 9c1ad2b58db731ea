{{ ranked_duplicates(
    ref('stg_ledger__accounts'),
    key=['account_id'],
    content=['holder_rank', 'opened_on', 'closed_on', 'customer_id'],
) }}
