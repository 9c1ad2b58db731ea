"""What the build prints: a line per stage with rows and time, a bar while one lasts, notes, errors."""

import errno
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import duckdb
from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.base.errors import UserError
from scripts.base.files import is_damage
from scripts.base.interrupts import Stopped, watch_signals
from scripts.base.rights import private_files

# A stage shorter than this shows no bar.
SECONDS_BEFORE_BAR = 1.0
TITLE_WIDTH = 40
# What macro report_rows logs, before the number of rows.
ROWS_LOGGED = "rows of the stage: "


UNCHANGED = "what was published before stays as it was."
DAMAGED = (
    "a DuckDB file of the warehouse is damaged. Let current lead to an earlier version, or run make build, which writes"
    " all but campaigns.duckdb anew; where it comes again, have the disk looked at."
)
# Of a file system: full, its quota reached, read-only, a file too large, no permission, broken; of a process: too many
# files. Anything else is our own mistake and shows its traceback.
SURROUNDINGS = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE,
    errno.ESTALE,
}  # fmt: skip


class Output(io.TextIOBase):
    """Standard output, which the job outlives: once it is closed or full, what is printed is lost, and nothing fails.

    Attributes:
        lost: why what was printed is lost; None while it is not.
    """

    lost: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's."""
        return getattr(sys.stdout, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return sys.stdout is not None and sys.stdout.isatty()

    def fileno(self) -> int:
        """The descriptor of standard output."""
        return sys.stdout.fileno()

    def write(self, text: str) -> int:
        """Write to standard output, if it is still there."""
        self._try(lambda: sys.stdout.write(text))
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        self._try(lambda: sys.stdout.flush())

    def _try(self, write: Callable[[], object]) -> None:
        if self.lost or sys.stdout is None:
            return
        try:
            write()
        except OSError as error:
            self.lost = error
            # What Python still holds would fail once more at its end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


@dataclass
class Stage:
    """A stage that is running; set `rows` to have them printed."""

    title: str
    started: float
    rows: int | None = None
    seconds: float = 0.0


class Console:
    """Prints to the terminal; bars are drawn only where there is one.

    Attributes:
        stages: those that ended, in order.
        standing: what holds of the published segments if the command is stopped now, as the end of a sentence.
        output: standard output; what happened to it, too.
    """

    def __init__(self) -> None:
        """Open standard output, and standard error for errors."""
        self.output = Output()
        self.standing = UNCHANGED
        self._out = RichConsole(highlight=False, file=cast(IO[str], self.output))
        self._errors = RichConsole(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._dbt_stage: Stage | None = None
        self._dbt_failed = False
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, title: str) -> Iterator[Stage]:
        """Time a stage and print its line when it ends well."""
        stage = Stage(title, time.perf_counter())
        self._show_bar(stage)
        try:
            yield stage
        except BaseException:
            self._hide_bar()
            raise
        self._end(stage)

    def print(self, text: str = "", end: str = "\n") -> None:
        """Print a line to standard output, whole: the terminal wraps it, not we."""
        self._out.print(text, markup=False, soft_wrap=True, end=end)

    def table(self, table: Any) -> None:
        """Print a rich table."""
        self._out.print(table)

    def note(self, text: str) -> None:
        """Print a remark on the input."""
        self._out.print(f"  note: {text}", markup=False, soft_wrap=True)

    def error(self, text: str) -> None:
        """Print an error to standard error."""
        self._hide_bar()
        self._errors.print(f"error: {text}", markup=False)

    def start_dbt(self, title: str) -> None:
        """Begin the stage that lasts until dbt's first model."""
        self.end_dbt()
        self._dbt_stage = Stage(title, time.perf_counter())
        self._show_bar(self._dbt_stage)

    def on_dbt_event(self, event: Any) -> None:
        """Follow dbt: a model whose meta names a stage begins it; the stages are in the order of the run."""
        name = event.info.name
        if name == "NodeFinished" and event.data.run_result.status in ("error", "fail"):
            self._hide_bar()
            self._dbt_stage = None
            self._dbt_failed = True
        elif name == "NodeStart" and not self._dbt_failed:
            title = dict(event.data.node_info.meta).get("stage", "")
            running = [self._dbt_stage] if self._dbt_stage else []
            if title and title not in [stage.title for stage in self.stages + running]:
                self.start_dbt(title)
        elif name.startswith("JinjaLog") and self._dbt_stage and event.data.msg.startswith(ROWS_LOGGED):
            self._dbt_stage.rows = int(event.data.msg.removeprefix(ROWS_LOGGED))

    def end_dbt(self) -> None:
        """Print the line of dbt's running stage, if one is."""
        if self._dbt_stage is not None:
            self._end(self._dbt_stage)
            self._dbt_stage = None

    def _end(self, stage: Stage) -> None:
        self._hide_bar()
        stage.seconds = time.perf_counter() - stage.started
        self.stages.append(stage)
        count = "" if stage.rows is None else f"{stage.rows:,} rows"
        self._out.print(f"  {stage.title:<{TITLE_WIDTH}}{count:>18}{stage.seconds:>8.1f} s", markup=False)

    def _show_bar(self, stage: Stage) -> None:
        self._hide_bar()
        if self._out.is_terminal:
            self._bar = Progress(
                TextColumn("  {task.description}"), _LateBar(), TimeElapsedColumn(),
                console=self._out, transient=True,
            )  # fmt: skip
            self._bar.add_task(f"{stage.title:<{TITLE_WIDTH}}", total=None)
            self._bar.start()

    def _hide_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def run_command(work: Callable[[Console], None]) -> int:
    """Run what a command does; return its exit code, with a user's mistake or surroundings that refuse in a sentence.

    What it makes, its owner alone may read. Ctrl-C and SIGTERM end it with 130 and 143.
    """
    watch_signals()
    console = Console()
    try:
        with private_files():
            work(console)
    except UserError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt as stopped:
        console.error(f"Stopped; {console.standing}")
        return stopped.code if isinstance(stopped, Stopped) else 130
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        place = error.filename or "a file"
        console.error(f"{place}: cannot be read or written ({error.strerror}); {console.standing}")
        return 1
    except duckdb.Error as error:
        # Files that are damaged beyond what opening looks at, a full disk, too little memory.
        if not isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | duckdb.FatalException):
            raise
        words = str(error).splitlines()[0].rstrip(".")
        advice = DAMAGED if is_damage(error) else console.standing
        console.error(f"{words}; {advice}")
        return 1
    except MemoryError:
        console.error(f"This process was refused more memory; {console.standing}")
        return 1
    # Who stops reading, as head does, has what they wanted.
    if console.output.lost and console.output.lost.errno != errno.EPIPE:
        console.error(
            f"standard output: cannot be written ({console.output.lost.strerror}); {console.standing}"
        )
        return 0 if console.standing != UNCHANGED else 1
    return 0


class _LateBar(BarColumn):
    """A bar that appears once its stage lasts."""

    def render(self, task: Any) -> Any:
        return super().render(task) if (task.elapsed or 0) > SECONDS_BEFORE_BAR else ""
