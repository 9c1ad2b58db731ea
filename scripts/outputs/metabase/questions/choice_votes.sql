select
    method,
    k,
    words
from marts.choice_votes
order by method
