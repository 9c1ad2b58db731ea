with

checks as (

    select * from {{ ref('int_quality_checks') }}

)

select
    -- The linter takes a star for a name without its table.
    checks.*, -- noqa: RF02
    replace(words.text, '{examples}', coalesce(checks.example_ids, '')) as meaning
from checks
inner join {{ ref('stg_rulebook__words') }} as words on 'check.' || checks.check_name = words.key
