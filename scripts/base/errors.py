"""The one kind of error a user causes and can mend; mains print it as a sentence and exit with 1."""

from scripts.base.sentences import one_line


class UserError(Exception):
    """A mistake in the input, a parameter or the surroundings, told in one clear sentence.

    The sentence says what is wrong, where, what was expected and what to do. Of several mistakes each has its own, on a line of
    its own. Whatever a sentence quotes, it is one line without control characters.
    """

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(map(one_line, sentences)))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the sentence alone."""
        return [f"error: {self}"]
