"""What the build prints: a line per stage with rows and time, a bar while one lasts, notes, errors."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.base.errors import UserError

# A stage shorter than this shows no bar.
SECONDS_BEFORE_BAR = 1.0
TITLE_WIDTH = 40
# What macro report_rows logs, before the number of rows.
ROWS_LOGGED = "rows of the stage: "


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
    """

    def __init__(self) -> None:
        """Open standard output, and standard error for errors."""
        self._out = RichConsole(highlight=False)
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
    """Run what a command does; return its exit code, with a user's mistake in one sentence."""
    console = Console()
    try:
        work(console)
    except UserError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt:
        console.error("Stopped; what was published before stays as it was.")
        return 130
    return 0


class _LateBar(BarColumn):
    """A bar that appears once its stage lasts."""

    def render(self, task: Any) -> Any:
        return super().render(task) if (task.elapsed or 0) > SECONDS_BEFORE_BAR else ""
