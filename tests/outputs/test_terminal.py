"""What a person sees at a terminal of 80 columns, and what a pipe gets instead."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from tests.support.builds import QUICK, REPO

COLUMNS = 80
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run_at_terminal(warehouse: Path, *arguments: str) -> tuple[int, str]:
    """Run `make build` with a terminal for its output; return its exit code and all that was written there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {
        **os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse), "TERM": "xterm-256color",
    }  # fmt: skip
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "scripts.build", *QUICK, *arguments]
    with subprocess.Popen(
        command, cwd=REPO, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = bytearray()
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # Linux says so that nobody writes any more.
                break
            if not some:
                break
            written += some
            if len(written) > 5_000_000:
                process.kill()
                raise AssertionError(f"it does not stop writing: {bytes(written[-2000:])!r}")
    os.close(ours)
    return process.returncode, written.decode()


def test_a_build_shows_its_steps_and_ends(tmp_path: Path) -> None:
    """Once the bar and the console printed through each other, and the first stage that lasted never ended."""
    code, written = run_at_terminal(tmp_path / "warehouse", "CUSTOMERS=1500", "BOOTSTRAPS=5")
    assert code == 0, written[-2000:]
    frames = re.split(r"[\r\n]+", ESCAPE.sub("", written))
    learning = [frame for frame in frames if frame.startswith("  Learn the segments: ")]
    steps = [frame.split(":")[1].split("━")[0].strip() for frame in learning]
    assert {"candidates", "curve over k", "final fit"} & set(steps), frames
    assert all(len(frame) <= COLUMNS for frame in learning)
    wide = [
        line
        for line in ESCAPE.sub("", written).replace("\r", "").split("\n")
        if len(line.strip()) > COLUMNS
        and " " in line.strip()
        and "━" not in line
        # A bar that was drawn over stands before what followed it.
        and not re.search(r"\d:\d\d:\d\d", line)
    ]
    assert not wide, wide


def test_a_pipe_gets_whole_lines_without_colours(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.build", *QUICK, "CUSTOMERS=1500", "BOOTSTRAPS=5"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(tmp_path / "warehouse")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout and "━" not in done.stdout
    (learned,) = [line for line in done.stdout.splitlines() if "learned model" in line]
    assert learned.endswith("the first model")
