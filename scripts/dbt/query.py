"""A model as dbt compiles it, by dbt's own Jinja alone: the rest of dbt takes seconds to start.

Reads dbt_project and writes nothing.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dbt_common.clients.jinja import BaseMacroGenerator, get_template, render_template
from dbt_common.exceptions import MacroReturn
from dbt_common.utils.jinja import MACRO_PREFIX

from scripts.base.paths import DBT_PROJECT


def compile_model(model: str, macros: str, variables: Mapping[str, str], ref: Callable[[str], str]) -> str:
    """Return a model's SQL.

    Args:
        model: its file, below dbt_project/models.
        macros: the file below dbt_project/macros that has every macro it uses.
        variables: the vars that they ask for.
        ref: what a relation is called, by its name.
    """
    context: dict[str, Any] = {
        "execute": True,
        "fromjson": json.loads,
        "ref": ref,
        "return": _return,
        "var": variables.__getitem__,
    }
    defined = _template(Path("macros") / macros, context)
    names = [
        name.removeprefix(MACRO_PREFIX)
        for name in vars(defined.make_module(context))
        if name.startswith(MACRO_PREFIX)
    ]
    context |= {name: _Macro(name, defined, context) for name in names}
    return str(render_template(_template(Path("models") / model, context), context))


def _template(path: Path, context: dict[str, Any]) -> Any:
    return get_template((DBT_PROJECT / path).read_text(encoding="utf-8"), context)


def _return(value: Any) -> None:
    raise MacroReturn(value)


class _Macro(BaseMacroGenerator):
    """A macro of a file; where it ends by `return`, calling it gives that value."""

    def __init__(self, name: str, file: Any, context: dict[str, Any]) -> None:
        super().__init__(context)
        self._name, self._file = name, file

    def get_template(self) -> Any:
        return self._file

    def get_name(self) -> str:
        return self._name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call_macro(*args, **kwargs)
