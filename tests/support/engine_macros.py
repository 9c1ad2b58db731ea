"""The macros of one engine without dbt, for Jinja alone: SQL of a call can be tried where no model is compiled."""

import re
from functools import cache

from tests.support.builds import REPO

ENGINES = REPO / "dbt_project" / "macros" / "engines.sql"
FORM = re.compile(r"\{% macro (duckdb|spark)__(\w+.*?\{%-? endmacro %\})", flags=re.DOTALL)


@cache
def macros_of(engine: str) -> str:
    """Macros by the names that models use, in the form of an engine, `duckdb` or `spark`."""
    forms = FORM.findall(ENGINES.read_text(encoding="utf-8"))
    return "".join("{% macro " + form for name, form in forms if name == engine)
