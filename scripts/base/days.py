"""Days as people give them in parameters and mappings. Touches nothing."""

import datetime as dt
import re

# What macro as_date of the job's SQL takes for a day, too.
FIRST_DAY = dt.date(1900, 1, 1)
LAST_DAY = dt.date(2999, 12, 31)


def day_of(text: str) -> dt.date:
    """Return the day of a text like 2025-12-31; raises ValueError for another text, and before 1900 or after 2999."""
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"{text!r} is not a date like 2025-12-31")
    day = dt.date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{text} is no day from 1900 to 2999")
    return day
