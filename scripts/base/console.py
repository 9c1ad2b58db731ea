"""What the build prints: a line per stage with rows and time, a bar while one lasts, notes, errors."""

import datetime as dt
import errno
import io
import json
import logging
import os
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import duckdb
from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.base.errors import OUR_FAULT, REFUSED, UserError
from scripts.base.files import is_damage
from scripts.base.interrupts import Stopped, watch_signals
from scripts.base.paths import TRACEBACK, warehouse_folder
from scripts.base.rights import private_files
from scripts.base.sentences import one_line

# A stage shorter than this shows no bar.
SECONDS_BEFORE_BAR = 1.0
TITLE_WIDTH = 40
# What macro report_rows logs, before the number of rows.
ROWS_LOGGED = "rows of the stage: "
# Characters of an exception in a sentence.
MOST_OF_A_FAULT = 200


UNCHANGED = "what was published before stays as it was."
DAMAGED = (
    "a DuckDB file of the warehouse is damaged. make rollback goes to an earlier version, make build writes all but"
    " campaigns.duckdb anew; where it comes again, have the disk looked at."
)
# Of a file system: full, its quota reached, read-only, a file too large, no permission, broken; of a process: too many
# files. Anything else is our own mistake.
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

    def __init__(self) -> None:
        """Hold standard output as it is now: while a bar is drawn, rich puts a stream there that prints to us."""
        super().__init__()
        self._stream = sys.stdout

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """The descriptor of standard output."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write to standard output, if it is still there."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        self._try(lambda: self._stream.flush())

    def _try(self, write: Callable[[], object]) -> None:
        if self.lost or self._stream is None:
            return
        try:
            write()
        except OSError as error:
            self.lost = error
            # What Python still holds would fail once more at its end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
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
        as_json: whether lines are JSON, for a scheduler.
        on_end: called with the exit code and the sentence of an error, or nothing, at the end of the command.
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
        self._share = 0.0
        self.stages: list[Stage] = []
        self.as_json = False
        self.on_end: Callable[[int, str], None] | None = None

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
        """Print a line to standard output: whole, but at a terminal, where it goes on below its beginning."""
        self._out.print(_fitted(text, self._out), markup=False, soft_wrap=True, end=end)

    def table(self, table: Any) -> None:
        """Print a rich table."""
        self._out.print(table)

    def note(self, text: str) -> None:
        """Print a remark on the input."""
        if self.as_json:
            self.event("note", text=text)
        else:
            self.print(f"  note: {text}")

    def error(self, text: str) -> None:
        """Print an error to standard error."""
        self._hide_bar()
        if self.as_json:
            self._errors.print(_json_line("error", text=text), markup=False)
        else:
            self._errors.print(_fitted(f"error: {text}", self._errors), markup=False)

    def print_traceback(self, text: str) -> None:
        """Print where a fault happened, for want of a better place."""
        self._errors.print(text, markup=False)

    def event(self, kind: str, **facts: Any) -> None:
        """Print a line of JSON, for a scheduler."""
        self._out.print(_json_line(kind, **facts), markup=False, soft_wrap=True)

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

    @contextmanager
    def following(self, told: logging.Logger) -> Iterator[None]:
        """Show in the running bar what this logger tells: records with a `step` in words and a `share` done, 0 to 1."""
        handler = _Handler(self._show_step)
        before = told.level, told.propagate
        told.addHandler(handler)
        told.setLevel(logging.INFO)
        told.propagate = False
        try:
            yield
        finally:
            told.removeHandler(handler)
            told.level, told.propagate = before

    def end_dbt(self, rows: int | None = None) -> None:
        """Print the line of dbt's running stage, if one is; rows: of it, where nothing has told them."""
        if self._dbt_stage is not None:
            if rows is not None:
                self._dbt_stage.rows = rows
            self._end(self._dbt_stage)
            self._dbt_stage = None

    def _end(self, stage: Stage) -> None:
        self._hide_bar()
        stage.seconds = time.perf_counter() - stage.started
        self.stages.append(stage)
        if self.as_json:
            self.event("stage", stage=stage.title, rows=stage.rows, seconds=round(stage.seconds, 3))
            return
        count = "" if stage.rows is None else f"{stage.rows:,} rows"
        self._out.print(f"  {stage.title:<{TITLE_WIDTH}}{count:>18}{stage.seconds:>8.1f} s", markup=False)

    def _show_bar(self, stage: Stage) -> None:
        self._hide_bar()
        if self._out.is_terminal and not self.as_json:
            self._bar = Progress(
                TextColumn("  {task.description}"), _LateBar(bar_width=None), TimeElapsedColumn(),
                console=self._out, transient=True,
            )  # fmt: skip
            self._share = 0.0
            self._bar.add_task(f"{stage.title:<{TITLE_WIDTH}}", total=None)
            self._bar.start()

    def _show_step(self, step: str, share: float) -> None:
        bar, stage = self._bar, self._dbt_stage
        if bar is None or stage is None:
            return
        # A bar does not go back: a step may have several batches.
        self._share = max(self._share, share)
        bar.update(
            bar.task_ids[0],
            description=f"{stage.title + ': ' + step:<{TITLE_WIDTH}}",
            total=1,
            completed=self._share,
        )

    def _hide_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _fitted(text: str, console: RichConsole) -> str:
    """The text cut between words to a terminal's width; without a terminal as it is, for who searches in it.

    A word that is too long, such as a path, stays whole.
    """
    if not console.is_terminal:
        return text
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line, console.width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False,
            drop_whitespace=True, replace_whitespace=False,
        ) or [line]  # fmt: skip
    return "\n".join(lines)


def _json_line(kind: str, **facts: Any) -> str:
    at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, "event": kind, **facts}, ensure_ascii=False, default=str)


def run_command(work: Callable[[Console], int | None]) -> int:
    """Run what a command does; return its exit code, with a user's mistake or surroundings that refuse in a sentence.

    What it makes, its owner alone may read. Ctrl-C and SIGTERM end it with 130 and 143. A fault of our own leaves its
    traceback in the warehouse's logs.

    work: returns the exit code of a command that went well; None for 0.
    """
    watch_signals()
    console = Console()
    code, sentence = 0, ""
    try:
        with private_files():
            code = work(console) or 0
    except UserError as error:
        code, sentence = error.code, str(error)
    except KeyboardInterrupt as stopped:
        code = stopped.code if isinstance(stopped, Stopped) else 130
        sentence = f"Stopped; {console.standing}"
    except MemoryError:
        code, sentence = REFUSED, f"This process was refused more memory; {console.standing}"
    except Exception as error:
        told = _refusal(error, console)
        code, sentence = (REFUSED, told) if told else (OUR_FAULT, _keep_traceback(error, console))
    # Who stops reading, as head does, has what they wanted.
    if not sentence and console.output.lost and console.output.lost.errno != errno.EPIPE:
        sentence = f"standard output: cannot be written ({console.output.lost.strerror}); {console.standing}"
        code = 0 if console.standing != UNCHANGED else REFUSED
    if sentence:
        console.error(sentence)
    if console.on_end:
        console.on_end(code, sentence)
    return code


def _refusal(error: Exception, console: Console) -> str:
    """What surroundings refused, as a sentence; nothing where the error is of another kind."""
    if isinstance(error, OSError) and error.errno in SURROUNDINGS:
        place = error.filename or "a file"
        return f"{place}: cannot be read or written ({error.strerror}); {console.standing}"
    # Files that are damaged beyond what opening looks at, a full disk, too little memory.
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | duckdb.FatalException):
        words = str(error).splitlines()[0].rstrip(".")
        return f"{words}; {DAMAGED if is_damage(error) else console.standing}"
    return ""


def _keep_traceback(error: Exception, console: Console) -> str:
    """Write down where a fault of our own happened; returns a sentence that says where that stands."""
    text = "".join(traceback.format_exception(error))
    what = one_line(f"{type(error).__name__}: {error}")[:MOST_OF_A_FAULT].rstrip(".")
    try:
        place = warehouse_folder() / TRACEBACK
        place.parent.mkdir(parents=True, exist_ok=True)
        with private_files():
            place.write_text(text, encoding="utf-8")
    except (OSError, UserError):
        console.print_traceback(text)
        place = None
    where = f"where it happened stands in {place}" if place else "where it happened stands above"
    return f"a fault of this program, not of yours ({what}); {where}: please report it. {console.standing[:1].upper()}{console.standing[1:]}"


class _Handler(logging.Handler):
    """Hands a step and its share on; a console that cannot draw them fails nobody's work."""

    def __init__(self, show: Callable[[str, float], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.__dict__["step"], record.__dict__["share"])


class _LateBar(BarColumn):
    """A bar that appears once its stage lasts."""

    def render(self, task: Any) -> Any:
        return super().render(task) if (task.elapsed or 0) > SECONDS_BEFORE_BAR else ""
