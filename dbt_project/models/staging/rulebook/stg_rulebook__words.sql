-- The words of the language in use; every language is one seed of the same keys.
with

in_use as (

    select
        key,
        text
    from {{ ref('words_' ~ var('language')) }}

)

select * from in_use
