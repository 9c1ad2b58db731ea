{{ rows_read_once('statements', ref('base_ledger__statements')) }}
