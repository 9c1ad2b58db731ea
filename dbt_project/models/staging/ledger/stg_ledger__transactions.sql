{{ rows_read_once('transactions', ref('base_ledger__transactions')) }}
