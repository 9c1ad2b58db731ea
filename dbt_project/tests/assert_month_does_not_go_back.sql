-- Last year's file as this month's would undo the history since; who means it says so by AS_OF.
select
    'The input is of ' || as_of_date || ', and what is published is of ' || last_as_of_date
    || ': it is older, or the clock was set back. Give the newer input; to go back to that month, which undoes the'
    || ' history since, say AS_OF=' || as_of_date || '.' as sentence
from {{ ref('int_period') }}
where as_of_date < last_as_of_date and '{{ var("as_of") }}' = ''
