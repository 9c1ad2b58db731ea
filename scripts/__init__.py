"""The application. Imported first by each command: a letter that the terminal has not is spelled out by its number."""

import io
import sys

for _stream in (sys.stdout, sys.stderr):
    # Where the locale is C, a name that is not ASCII would end the command; rich's own dots would, too.
    if isinstance(_stream, io.TextIOWrapper) and _stream.encoding.lower() != "utf-8":
        _stream.reconfigure(errors="backslashreplace")
