"""Run a command and write what it took: wall and processor seconds, peak memory, exit code.

    python scripts/benchmark/launcher.py REPORT LOG COMMAND ...

A process of its own between the benchmark and what it measures, and small: the kernel counts the memory of the process
that starts a program into the program's peak. The peak of a tree of processes is what all of them hold at one moment,
pages that they share counted once, looked at five times a second; of a single process it is the kernel's own.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

BETWEEN_LOOKS = 0.2
# Bytes in the kernel's unit of a peak.
UNIT = 1 if sys.platform == "darwin" else 1024


def _children(process: int) -> list[int]:
    """Processes that a process has started, where the system tells (Linux)."""
    found = list[int]()
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        # It has ended meanwhile.
        pass
    return found


def _held(process: int) -> int:
    """Bytes that a process holds, its part of what it shares."""
    try:
        with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def _held_by_tree(root: int) -> int:
    """Bytes that a process and all below it hold; 0 where it is alone, of which the kernel knows more."""
    tree = [root]
    for process in tree:
        tree += _children(process)
    return sum(map(_held, tree)) if len(tree) > 1 else 0


def main(report: Path, log: Path, command: list[str]) -> None:
    """Run it and write the report."""
    peak, is_over = 0, threading.Event()

    def watch(process: int) -> None:
        nonlocal peak
        while not is_over.wait(BETWEEN_LOOKS):
            peak = max(peak, _held_by_tree(process))

    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    watcher = threading.Thread(target=watch, args=(process.pid,), daemon=True)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    is_over.set()
    watcher.join()
    found = {
        "seconds": seconds,
        "processor": usage.ru_utime + usage.ru_stime,
        "memory": max(peak, usage.ru_maxrss * UNIT) / 1e9,
        "exit_code": os.waitstatus_to_exitcode(status),
    }
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
