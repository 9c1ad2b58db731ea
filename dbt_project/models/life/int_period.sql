-- The month of this build, and the one it follows: the last that was published before it. A month that is built again
-- follows the same one again.
with

runs as (

    select * from {{ source('state', 'model_runs') }}

)

select
    given.as_of_date,
    max(runs.as_of_date) filter (where runs.as_of_date < given.as_of_date) as as_of_before,
    max_by(runs.as_of_date, runs.run_number) as last_as_of_date,
    coalesce(max(runs.as_of_date) >= given.as_of_date, false) as is_again
from {{ ref('int_input') }} as given
left join runs on true
group by given.as_of_date
