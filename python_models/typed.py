"""What people type: the one place that reads numbers of it, and how an error shows it. Touches nothing."""

import math
import re
from dataclasses import dataclass

LONGEST_SHOWN = 100
# int() and float() alone would also take 1_000, nan, digits of other scripts, and thousands of digits.
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,100}")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def printable(text: str) -> str:
    """A text from the input as one line of a terminal: control characters, as line breaks, are spelled out."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def shown(value: object) -> str:
    """What was typed, as an error shows it: cut where it is long, without line breaks and the like."""
    text = str(value)
    return printable(f"{text[:LONGEST_SHOWN]}..." if len(text) > LONGEST_SHOWN else text)


def whole_number(text: str) -> int | None:
    """The whole number that a text is, blanks around it left out; None where it is none."""
    stripped = text.strip()
    return int(stripped) if WHOLE_NUMBER.fullmatch(stripped) else None


def number(text: str) -> float | None:
    """The finite number that a text is, blanks around it left out; None where it is none."""
    stripped = text.strip()
    # Plus zero, since -0 would be printed.
    value = float(stripped) + 0.0 if NUMBER.fullmatch(stripped) else math.nan
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Range:
    """The numbers that a parameter takes.

    Attributes:
        least: the smallest of them.
        above: what all are above.
        most: the largest of them.
        below: what all are below.
        is_whole: whole numbers alone.
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    is_whole: bool = False

    def read(self, text: str) -> int | float | None:
        """The number that a text is; None where it is none, or none of these."""
        value = whole_number(text) if self.is_whole else number(text)
        if (
            value is None
            or (self.least is not None and value < self.least)
            or (self.above is not None and value <= self.above)
            or (self.most is not None and value > self.most)
            or (self.below is not None and value >= self.below)
        ):
            return None
        return value

    @property
    def words(self) -> str:
        """What is expected, as `a number above 0 and below 1`."""
        bounds = [
            f"{word} {int(bound) if bound == int(bound) else bound}"
            for word, bound in (
                ("at least" if self.most is None else "from", self.least),
                ("above", self.above),
                ("at most" if self.least is None else "to", self.most),
                ("below", self.below),
            )
            if bound is not None
        ]
        joint = " " if None not in (self.least, self.most) else " and "
        return f"a {'whole ' if self.is_whole else ''}number {joint.join(bounds)}".rstrip()
