select * from {{ of_kind('protected_traits') }}
