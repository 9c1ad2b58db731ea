"""What comes from data, as sentences for people quote it: on one line, short, without control characters."""

from collections.abc import Iterable

# Characters of one name or value, and of a list of them, in a sentence.
MOST_SHOWN = 40
MOST_LISTED = 90


def one_line(text: str) -> str:
    """Return the text with line breaks as blanks and other characters that do not print as escapes."""
    if text.isprintable():
        return text
    blanks = "\n\r\t\v\f\x85\u2028\u2029"
    return "".join(
        " "
        if each in blanks
        else each
        if each.isprintable() or (each.isspace() and each > "\x9f")
        else _escaped(each)
        for each in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def shown(value: object, most: int = MOST_SHOWN) -> str:
    """Return a name or value as a sentence quotes it: its beginning, where it is longer than `most` characters."""
    # A value of megabytes is cut before it is looked at; escapes make what is left longer, not shorter.
    text = one_line(str(value)[: most + 1])
    return text if len(text) <= most else text[: most - 3] + "..."


def listed(values: Iterable[object], most: int = MOST_LISTED) -> str:
    """Return names or values with commas between them; those for which `most` characters are too few are counted."""
    texts = [shown(value) for value in values]
    count, length = 0, 0
    for text in texts:
        length += len(text) + 2
        if count and length > most:
            break
        count += 1
    more = f" and {len(texts) - count:,} more" if count < len(texts) else ""
    return ", ".join(texts[:count]) + more


def reason_of(error: Exception) -> str:
    """Return the beginning of what a library says of an error."""
    return shown((str(error).splitlines() or [type(error).__name__])[0], 120)
