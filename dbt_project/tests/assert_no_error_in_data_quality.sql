with

worst as (

    select * from {{ ref('int_quality_checks') }}
    where severity = 'error' and affected_rows > 0
    order by affected_rows desc, check_name asc
    limit 1

)

select
    'data quality check ' || worst.check_name || ': ' || format('{:,}', worst.affected_rows)
    || ' customers are affected, such as ' || worst.example_ids || '. ' || words.text
    || ' Correct or leave out these rows.' as sentence
from worst
inner join {{ ref('stg_rulebook__words') }} as words on 'check.' || worst.check_name = words.key
