select * from {{ ref('int_autoencoders') }}
