select * from {{ ref('stg_rulebook__words') }}
