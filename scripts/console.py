"""What the build prints: a line per stage with rows and time, a progress bar while it lasts, errors."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

# dbt's schemas are the stages of the job, in words.
DBT_STAGES = {
    "staging": "Type the input",
    "features": "Account for every row, aggregate features",
    "segmentation": "Learn and score",
    "marts": "Tables for BI",
}


@dataclass
class Stage:
    """A stage that is running; set `rows` to have them printed."""

    rows: int | None = None


class Console:
    """Prints to the terminal; bars are drawn only where there is one."""

    def __init__(self) -> None:
        """Open standard output, and standard error for errors."""
        self._out = RichConsole(highlight=False)
        self._errors = RichConsole(stderr=True, highlight=False, soft_wrap=True)
        self.seconds: dict[str, float] = {}
        self._progress: Progress | None = None
        self._task: Any = None

    @contextmanager
    def stage(self, title: str) -> Iterator[Stage]:
        """Time a stage and print its line at the end."""
        stage = Stage()
        started = time.perf_counter()
        yield stage
        self._line(title, stage.rows, time.perf_counter() - started)

    def print(self, *parts: Any) -> None:
        """Print to standard output."""
        self._out.print(*parts, markup=False)

    def table(self, table: Any) -> None:
        """Print a rich table."""
        self._out.print(table)

    def note(self, text: str) -> None:
        """Print a remark on the input."""
        self._out.print(f"  note: {text}", markup=False)

    def error(self, text: str) -> None:
        """Print an error to standard error."""
        self.end_dbt()
        self._errors.print(f"error: {text}", markup=False)

    def _line(self, title: str, rows: int | None, seconds: float) -> None:
        self.seconds[title] = self.seconds.get(title, 0.0) + seconds
        count = "" if rows is None else f"{rows:,} rows"
        self._out.print(f"  {title:<44}{count:>20}{seconds:>8.1f} s", markup=False)

    def on_dbt_event(self, event: Any) -> None:
        """Follow dbt: one line for each model that is done."""
        if event.info.name == "NodeStart":
            node = event.data.node_info
            if self._progress is None and self._out.is_terminal:
                self._progress = Progress(
                    TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn(),
                    console=self._out, transient=True,
                )  # fmt: skip
                self._task = self._progress.add_task("", total=None)
                self._progress.start()
            if self._progress is not None:
                self._progress.update(self._task, description=node.node_name)
        elif event.info.name == "LogModelResult":
            name = event.data.node_info.node_name
            self._line(name, None, event.data.execution_time)

    def end_dbt(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
