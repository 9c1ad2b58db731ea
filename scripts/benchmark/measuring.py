"""Measuring one run of a program, in processes of its own. Writes its log and its report beside each other."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.paths import PROJECT, given_path

# Of OpenMP, in every way alike: threads that spin while they wait for one another took five times as long on two cores of
# which others used one, and are no faster on quiet ones.
THREADS_THAT_WAIT = {"OMP_WAIT_POLICY": "passive"}
LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class MeasuredRun:
    """One measured run: wall and processor seconds, peak memory in GB with that of its children, its stages."""

    seconds: float
    processor: float
    memory: float
    stages: list[dict[str, Any]] = field(default_factory=list)


class UnmeasuredError(Exception):
    """A run that did not come to its end; the text says why."""


def measure(command: Sequence[str], environment: Mapping[str, str], log: Path) -> MeasuredRun:
    """Run a command to its end and return what it took; its output goes to `log`.

    Raises UnmeasuredError where it fails, or the kernel kills it as it does where memory ends.
    """
    report = log.with_suffix(".usage.json")
    report.unlink(missing_ok=True)
    launcher = subprocess.Popen(
        [sys.executable, str(LAUNCHER), str(report), str(log), *command],
        cwd=PROJECT,
        env={**os.environ, **THREADS_THAT_WAIT, **environment},
        start_new_session=True,
    )
    try:
        launcher.wait()
    except BaseException:
        # Whoever stops the benchmark stops what it runs.
        os.killpg(launcher.pid, signal.SIGTERM)
        raise
    if not report.exists():
        raise UnmeasuredError(f"{command[0]} could not be started")
    found = json.loads(report.read_text(encoding="utf-8"))
    if found["exit_code"] == -signal.SIGKILL:
        raise UnmeasuredError("killed by the kernel: not enough memory")
    if found["exit_code"] != 0:
        raise UnmeasuredError(f"ended with {found['exit_code']}; its output stands in {log}")
    return MeasuredRun(found["seconds"], found["processor"], found["memory"])


def made_folder(name: str, text: str) -> Path:
    """The folder that parameter `name` gives, made where it is not there, as an absolute path.

    Raises UserError where it cannot be made.
    """
    folder = given_path(name, text).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{name}={shown(text)}: cannot be made ({error.strerror}); name another folder."
        ) from None
    return folder
