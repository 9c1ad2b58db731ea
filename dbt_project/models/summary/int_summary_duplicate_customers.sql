{{ ranked_duplicates(
    ref('stg_summary__customers'),
    key=['customer_id'],
    content=['raw_row'],
) }}
