select * from {{ of_kind('account_status') }}
