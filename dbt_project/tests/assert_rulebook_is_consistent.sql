select * from {{ ref('rulebook_problems') }}
