"""Days as people give them in parameters and mappings. Touches nothing."""

import datetime as dt
import re

# What macro as_date of the job's SQL takes for a day, too.
FIRST_DAY = dt.date(1900, 1, 1)
LAST_DAY = dt.date(2999, 12, 31)


def day_of(text: str, first: dt.date = FIRST_DAY, last: dt.date = LAST_DAY) -> dt.date:
    """Return the day of a text like 2025-12-31.

    Raises ValueError for another text, and outside of the first and the last day; it says what was expected.
    """
    try:
        day = dt.date.fromisoformat(text) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("expected a date like 2025-12-31")
    if not first <= day <= last:
        raise ValueError(f"expected a date from {first} to {last}")
    return day
