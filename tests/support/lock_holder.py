"""A program that holds the build lock of the warehouse in its first argument, until it gets a line or its end."""

HOLDER = """
import subprocess, sys
from pathlib import Path
from scripts.base.lock import build_lock
with build_lock(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.readline()
child.kill()
"""
