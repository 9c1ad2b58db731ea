-- What is wrong with the seeds that a bank edits, a sentence a row. With any the build stops.
select * from {{ ref('stg_rulebook__archetype_problems') }}
union all
select * from {{ ref('stg_rulebook__condition_problems') }}
union all
select * from {{ ref('stg_rulebook__playbook_problems') }}
union all
select * from {{ ref('stg_rulebook__assumption_problems') }}
union all
select * from {{ ref('stg_rulebook__word_problems') }}
union all
select * from {{ ref('stg_rulebook__movement_problems') }}
