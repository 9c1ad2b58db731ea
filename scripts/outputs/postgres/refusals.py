"""What PostgreSQL's refusals mean, in one sentence that shows no connection string. Touches nothing."""

import re

UNCHANGED = "What was published in Postgres before stays as it was."
CHANGED = "The new tables are published all the same."

# PostgreSQL's words, and ours for them; {0} and {1} are what the words name.
KNOWN = (
    (
        r'could not translate host name "(.+?)" to address',
        "{0}: no such host is known; check the host in DSN or PGHOST.",
    ),
    (
        r'password authentication failed for user "(.+?)"',
        "role {0}: the password is wrong, or there is no such role; check DSN, PGPASSWORD or ~/.pgpass.",
    ),
    (
        r"no password supplied",
        "the server asks for a password and none was found: put it in ~/.pgpass, or in the environment variable DSN"
        " or PGPASSWORD.",
    ),
    (
        r'FATAL:\s+database "(.+?)" does not exist',
        "database {0}: there is none; check DSN or PGDATABASE, or have it made by: create database {0}.",
    ),
    (r'FATAL:\s+role "(.+?)" does not exist', "role {0}: there is none; check the user in DSN or PGUSER."),
    (
        r'permission denied for database "?([^"\n]+)',
        "database {0}: the role may not connect, or may make no schema in it; have an administrator run"
        " create schema {schema} authorization, followed by the role.",
    ),
    (
        r"Connection refused|No such file or directory\s+Is the server running",
        "no PostgreSQL server answers there: is it running, and are host and port in DSN, PGHOST and PGPORT right?",
    ),
    (
        r"timeout expired|Connection timed out|No route to host|Network is unreachable",
        "the PostgreSQL server cannot be reached: check host, port and firewall; PGCONNECT_TIMEOUT says how many"
        " seconds to wait.",
    ),
    (
        r"no pg_hba\.conf entry for (.+?)(?:, no encryption|, SSL.*)?$",
        "the server's pg_hba.conf does not let in {0}; ask its administrator.",
    ),
    (
        r'definition of service "(.+?)" not found',
        "service {0}: is in no service file; check PGSERVICE and ~/.pg_service.conf.",
    ),
    (
        r'invalid connection option "(.+?)"',
        "DSN: {0} is no keyword of libpq; known are host, port, dbname, user, sslmode and others.",
    ),
    (
        r"must be owner of (.+)",
        "{0}: belongs to another role than the one that publishes; publish as its owner.",
    ),
    (
        r"No space left on device|could not extend file|disk full|File too large",
        "the server's disk is full: publishing needs about as much space again as the tables take; free some.",
    ),
    (
        r"lock timeout",
        "a table of schema {schema} stays locked by another session, which pg_locks shows; publish again when it has"
        " ended.",
    ),
    (
        r'could not obtain lock on relation "(.+?)"',
        "{schema}.{0}: has other columns now and must be made anew, but readers hold it; publish again when they have"
        " ended.",
    ),
    (
        r'has no equivalent in encoding "(.+?)"',
        "the database has encoding {0}, which lacks a character of the tables; publish to one with encoding UTF8.",
    ),
    (
        r"in a read-only transaction",
        "the server takes no changes, as a standby does; publish to the primary server.",
    ),
    (
        # DuckDB's extension says that it failed to read an answer where none came, and does not say why.
        r"Failed to (?:fetch|read) header for COPY|Expected Postgres binary COPY header"
        r"|server closed the connection|terminating connection|lost synchronization|no connection to the server"
        r"|PQputCopy|could not (?:send data to|receive data from) server|SSL SYSCALL",
        "the connection to the server broke off; publish again when it is back.",
    ),
)


def why_postgres_failed(message: str, schema: str, outcome: str = UNCHANGED) -> str:
    """Say what was refused and what to do.

    Args:
        message: of a DuckDB error on what PostgreSQL was asked; may repeat a connection string or a statement,
            neither of which is passed on.
        schema: where to publish to.
        outcome: what is published now; the last sentence.
    """
    # The statement or connection string that comes first is in quotes.
    said = re.search(r".*\"?: ((?:ERROR|FATAL|PANIC):.*)", message, re.DOTALL)
    last = said or re.search(r'.*": (.*)', message, re.DOTALL)
    words = (last[1] if last else message).strip()
    for pattern, sentence in KNOWN:
        found = re.search(pattern, words, re.MULTILINE)
        if found:
            return f"Postgres: {sentence.format(*found.groups(), schema=schema)} {outcome}"
    first = re.sub(r"^\w+:\s+", "", words.splitlines()[0]).rstrip(".")
    return f"Postgres: {first}. {outcome}"
