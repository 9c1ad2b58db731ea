"""Files of YAML that belong to the project, such as dbt's. Reads the file it is given; touches nothing."""

from pathlib import Path
from typing import Any

import yaml

# Written in C it takes a tenth of the time; a yaml built without libyaml lacks it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """What a file of the project holds."""
    return parse_yaml(path.read_text(encoding="utf-8"))


def parse_yaml(text: str) -> Any:
    """What a text of the project's holds."""
    return yaml.load(text, Loader=LOADER)
