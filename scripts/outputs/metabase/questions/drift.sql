select
    alarm,
    words,
    drift
from marts.segment_drift
order by drift desc nulls last, words
