"""One ledger in the layouts of public data sets of banks, each with the mapping that a person would write.

The columns and codes are those of Berka (PKDD'99), of ANZ's synthesised transactions, of IBM's TabFormer and of
BankChurners; the rows are the job's own generated ones. Each function writes into a folder and returns SOURCE.
"""

from pathlib import Path

import duckdb

# Money that comes in, by the job's types.
INCOMING = "('payment', 'refund')"


def clean_ledger(folder: Path) -> Path:
    """A year of 240 customers without a flaw, in the job's own layout: every type of transaction, cards opened and closed."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table accounts as
            select 'A' || lpad(n::varchar, 4, '0') as account_id, (10000 + n)::varchar as customer_id,
                date '2019-01-15' + (n % 700)::int as opened_on,
                if(n % 29 = 0, date '2025-08-20', null) as closed_on
            from range(240) as numbers (n);
            create table transactions as
            with moves as (
                select a.account_id, a.closed_on, m, hash(a.account_id, m) % 1000 as luck, types.type
                from accounts as a, range(12) as months (m),
                    (select unnest(['oneoff_purchase', 'installment_purchase', 'cash_advance', 'payment', 'refund',
                        'payment_reversal', 'fee', 'interest']) as type) as types
                where hash(a.account_id, types.type, m) % 10 < case types.type when 'oneoff_purchase' then 7
                    when 'payment' then 8 when 'installment_purchase' then 4 when 'cash_advance' then 2 else 1 end
            )
            select 'T' || lpad((row_number() over (order by account_id, m, type))::varchar, 6, '0') as transaction_id,
                account_id, make_date(2025, m + 1, 1 + (luck % 28)::int) as posted_on, type as transaction_type,
                (1 + (luck * 7919) % 90000) / 100::decimal(5, 2) as amount
            from moves;
            delete from transactions where account_id in (select account_id from accounts where closed_on is not null)
                and posted_on > date '2025-08-20';
            update transactions set amount = round(amount, 2);
            create table statements as
            select account_id, last_day(make_date(2025, m + 1, 1)) as statement_on,
                last_day(make_date(2025, m + 1, 1)) + 21 as due_on, 10.0 * balance as closing_balance,
                9.5 * balance as average_daily_balance, if(balance > 0, 25.0, 0.0) as minimum_due,
                1000.0 + 500 * (hash(account_id) % 9) as credit_limit,
                if(m < 11, if(hash(account_id, 'pays') % 3 = 0, 10.0 * balance, 25.0), null) as paid_by_due_on
            from (select account_id, closed_on, m, (hash(account_id, m, 'b') % 100)::int as balance
                from accounts, range(12) as months (m))
            where closed_on is null or m < 8;
            """
        )
        for name in ("accounts", "transactions", "statements"):
            connection.execute(f"copy {name} to '{folder / name}.csv'")
    return folder


def _ledger(plain: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, typed in (
        ("accounts", "cast(opened_on as date) as opened_on"),
        ("transactions", "cast(amount as decimal(18,2)) as amount, cast(posted_on as date) as posted_on"),
    ):
        connection.execute(
            f"create view {name} as select * replace ({typed}) from read_csv('{plain / name}.csv', all_varchar = true)"
        )
    return connection


def _written(plain: Path, folder: Path, copies: str, mapping: str) -> Path:
    """Write the ledger's tables as `copies` says, in SQL on accounts and transactions, and the mapping beside them."""
    folder.mkdir()
    with _ledger(plain) as connection:
        connection.execute(copies)
    (folder / "mapping.yml").write_text(mapping, encoding="utf-8")
    return folder


def berka(plain: Path, folder: Path) -> Path:
    """Semicolons, six-digit days, a holder in another file than the account, types by two columns, no statements."""
    return _written(
        plain,
        folder,
        f"""
            copy (select account_id, 'POPLATEK MESICNE' as frequency, strftime(opened_on::date, '%y%m%d') as date
                from accounts) to '{folder / "account.csv"}' (delimiter ';', quote '"', force_quote (account_id));
            copy (select row_number() over () as disp_id, customer_id as client_id, account_id, 'OWNER' as type
                from accounts) to '{folder / "disp.csv"}' (delimiter ';');
            copy (
                select transaction_id as trans_id, account_id, strftime(posted_on, '%y%m%d') as date,
                    if(transaction_type in {INCOMING}, 'PRIJEM', 'VYDAJ') as type,
                    case transaction_type when 'cash_advance' then 'VYBER' when 'payment' then 'PREVOD Z UCTU'
                        when 'refund' then 'VKLAD' when 'payment_reversal' then 'PREVOD NA UCET'
                        else 'VYBER KARTOU' end as operation,
                    amount, case transaction_type when 'interest' then 'SANKC. UROK' when 'fee' then 'SLUZBY'
                        when 'installment_purchase' then 'UVER' else '' end as k_symbol
                from transactions
            ) to '{folder / "trans.csv"}' (delimiter ';');
            """,
        """
currency: CZK
accounts:
  file: disp.csv
  join: {file: account.csv, on: account_id}
  columns:
    customer_id: client_id
    opened_on: {column: date, format: '%y%m%d'}
    closed_on: null
    role: type
transactions:
  file: trans.csv
  columns:
    transaction_id: trans_id
    posted_on: {column: date, format: '%y%m%d'}
    transaction_type:
      column: [operation, k_symbol]
      codes:
        "VYBER KARTOU / UVER": installment_purchase
        "VYBER KARTOU / SLUZBY": fee
        "VYBER KARTOU / SANKC. UROK": interest
        "VYBER KARTOU / ": oneoff_purchase
        "VYBER / ": cash_advance
        "PREVOD Z UCTU / ": payment
        "PREVOD NA UCET / ": payment_reversal
        "VKLAD / ": refund
statements: null
""",
    )


def anz(plain: Path, folder: Path) -> Path:
    """One file of transactions, dd/mm/yyyy, a column that says debit or credit, salaries among them."""
    return _written(
        plain,
        folder,
        f"""
            copy (
                select 'authorized' as status, account_id as account, 'AUD' as currency,
                    case transaction_type when 'oneoff_purchase' then 'POS' when 'installment_purchase' then 'SALES-POS'
                        when 'cash_advance' then 'CASH' when 'payment' then 'PAYMENT' when 'refund' then 'POS'
                        when 'payment_reversal' then 'PAYMENT' when 'fee' then 'FEE' else 'INT' end as txn_description,
                    strftime(posted_on, '%d/%m/%Y') as date, amount, transaction_id as "Transaction Id", customer_id,
                    if(transaction_type in {INCOMING}, 'credit', 'debit') as movement
                from transactions inner join accounts using (account_id)
                union all by name
                select 'posted' as status, account_id as account, 'AUD' as currency, 'PAY/SALARY' as txn_description,
                    '15/03/2025' as date, 4000.0 as amount, 'S' || account_id as "Transaction Id", customer_id,
                    'credit' as movement
                from accounts
            ) to '{folder / "ANZ synthesised.csv"}';
            """,
        """
accounts:
  from: transactions
  columns: {account_id: account, opened_on: null, closed_on: null}
transactions:
  file: ANZ synthesised.csv
  columns:
    account_id: account
    posted_on: date
    amount: {column: amount, direction: movement}
    transaction_type:
      column: txn_description
      codes:
        POS: {out: oneoff_purchase, in: refund}
        SALES-POS: installment_purchase
        CASH: cash_advance
        PAYMENT: {out: payment_reversal, in: payment}
        FEE: fee
        INT: interest
        PAY/SALARY: leave_out
statements: null
""",
    )


def tabformer(plain: Path, folder: Path) -> Path:
    """Purchases alone: dollar signs, refunds below 0, days in three columns, cards by two, no ids of transactions."""
    return _written(
        plain,
        folder,
        f"""
            copy (
                select customer_id as "User", account_id as "Card", year(posted_on) as "Year",
                    month(posted_on) as "Month", day(posted_on) as "Day", '06:21' as "Time",
                    if(transaction_type = 'refund', '$-', '$') || amount as "Amount", 'Swipe Transaction' as "Use Chip",
                    if(transaction_type = 'cash_advance', '6011', '5300') as "MCC", 'No' as "Is Fraud?"
                from transactions inner join accounts using (account_id)
                where transaction_type in ('oneoff_purchase', 'refund', 'cash_advance')
            ) to '{folder / "card_transaction.v1.csv"}';
            """,
        """
accounts:
  from: transactions
  columns: {account_id: [User, Card], customer_id: User, opened_on: null, closed_on: null}
transactions:
  file: card_transaction.v1.csv
  columns:
    transaction_id: {rows: true}
    account_id: [User, Card]
    posted_on: {year: Year, month: Month, day: Day}
    amount: {column: Amount, negative: in}
    transaction_type:
      column: MCC
      codes: {6011: cash_advance}
      other: {out: oneoff_purchase, in: refund}
statements: null
""",
    )


def bank_churners(folder: Path) -> Path:
    """A summary with five of the features, ids as CLIENTNUM, and columns of which the job knows nothing."""
    folder.mkdir()
    path = folder / "BankChurners.csv"
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select 768000000 + n as "CLIENTNUM", 'Existing Customer' as "Attrition_Flag", 20 + n % 50 as "Customer_Age",
                    24 + n % 30 as "Months_on_book", 1500.0 + 37 * (n % 200) as "Credit_Limit",
                    (n % 4 > 0)::int * 13 * (n % 180) as "Total_Revolving_Bal", 510 + 41 * (n % 300) as "Total_Trans_Amt",
                    10 + n % 120 as "Total_Trans_Ct"
                from range(1, 601) as numbers (n)
            ) to '{path}'
            """
        )
    absent = [
        "oneoff_purchases",
        "installments_purchases",
        "cash_advance",
        "balance_frequency",
        "purchases_frequency",
        "oneoff_purchases_frequency",
        "purchases_installments_frequency",
        "cash_advance_frequency",
        "cash_advance_trx",
        "payments",
        "minimum_payments",
        "prc_full_payment",
    ]
    (folder / "BankChurners.mapping.yml").write_text(
        f"""
currency: USD
customer_summary:
  columns:
    cust_id: CLIENTNUM
    balance: Total_Revolving_Bal
    credit_limit: Credit_Limit
    purchases: Total_Trans_Amt
    purchases_trx: Total_Trans_Ct
    tenure: {{value: 12}}
{"".join(f"    {name}: null{chr(10)}" for name in absent)}""",
        encoding="utf-8",
    )
    return path
