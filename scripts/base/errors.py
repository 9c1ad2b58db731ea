"""The one kind of error a user causes and can mend; mains print it as a sentence and exit with 1."""


class UserError(Exception):
    """A mistake in the input, a parameter or the surroundings, told in one clear sentence.

    The sentence says what is wrong, where, what was expected and what to do.
    """

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the sentence alone."""
        return [f"error: {self}"]
