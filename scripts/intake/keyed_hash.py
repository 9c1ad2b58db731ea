"""The one way in which a customer's id becomes a keyed hash, in Python and in SQL. Touches nothing.

Who has the key can try ids; who has the hashes alone cannot.
"""

import hashlib
import secrets


def new_key() -> str:
    """A key of 256 bits, as text."""
    return secrets.token_hex(32)


def keyed_hash(key: str, customer: str) -> str:
    """The keyed hash of an id that is spelled as `id_sql` spells it: 64 hexadecimal digits."""
    return hashlib.sha256(f"{key}:{customer}".encode()).hexdigest()


def keyed_hash_sql(key: str, column: str) -> str:
    """SQL of the same; key: SQL of the key, as a text or a placeholder."""
    return f"sha256({key} || ':' || {column})"
