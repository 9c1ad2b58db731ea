"""What ends a command: a user's mistake, told as a sentence, and the exit code of each kind."""

from scripts.base.sentences import one_line

# 0 is success; 4 and 5 are what `make status` says of drift; a signal ends with 128 and its number.
REFUSED, GATE_FAILED, LOCK_HELD, WATCH, ACT, OUR_FAULT = 1, 2, 3, 4, 5, 70


class UserError(Exception):
    """A mistake in the input, a parameter or the surroundings, told in one clear sentence.

    The sentence says what is wrong, where, what was expected and what to do. Of several mistakes each has its own, on a line of
    its own. Whatever a sentence quotes, it is one line without control characters.

    Attributes:
        code: the exit code that mains end with.
    """

    code = REFUSED

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(map(one_line, sentences)))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the sentence alone."""
        return [f"error: {self}"]


class GateFailedError(UserError):
    """The input was read, and a check of quality or against the build before does not let it be published."""

    code = GATE_FAILED


class LockHeldError(UserError):
    """Another build of the same warehouse is running."""

    code = LOCK_HELD


class OurFaultError(UserError):
    """What the job does failed for a reason that is nobody's mistake but its own."""

    code = OUR_FAULT
