"""How far the learning is, told to whoever listens to this module's logger; nothing is told where nobody does.

A step's share of the whole is about what it takes on the generated sample (2026-11-29); where networks are not asked for, the
bar skips theirs. Touches nothing.
"""

import logging
import threading

LOGGER = logging.getLogger(__name__)
# Each step in words, and its share of the time in hundredths.
STEPS = {
    "prepare": ("sample", 3),
    "candidates": ("candidates", 50),
    "autoencoders": ("autoencoders", 12),
    "candidates_codes": ("their codes", 21),
    "choice": ("choice", 2),
    "curve": ("curve over k", 7),
    "votes": ("votes", 1),
    "fit": ("final fit", 2),
    "rules": ("rules", 1),
    "identities": ("identities", 1),
}
WHOLE = sum(share for _, share in STEPS.values())


class Progress:
    """Where the learning of this process is: the step and how much of it is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._step, self._before, self._share = "", 0.0, 0.0

    def begin(self, step: str) -> None:
        """A step begins: those before it are done."""
        names = list(STEPS)
        place = names.index(step)
        with self._lock:
            self._step, self._share = STEPS[step][0], STEPS[step][1] / WHOLE
            self._before = sum(STEPS[name][1] for name in names[:place]) / WHOLE
        self._tell(0.0)

    def advance(self, done: int, of: int) -> None:
        """So many items of a batch of the running step are done; a step may have several batches."""
        if self._step and of:
            self._tell(done / of)

    def _tell(self, part: float) -> None:
        if LOGGER.isEnabledFor(logging.INFO):
            share = self._before + self._share * part
            LOGGER.info("%s", self._step, extra={"step": self._step, "share": min(share, 1.0)})


PROGRESS = Progress()
