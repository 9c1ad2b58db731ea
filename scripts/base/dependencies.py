"""What the project needs, for a notebook's kernel: installs what is missing and leaves the rest as it is.

Reads pyproject.toml; runs pip in the environment of the running Python and nothing else. It needs no package
but packaging, which Jupyter and Colab bring.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from scripts.base.errors import UserError
from scripts.base.paths import PROJECT

# The package of the same modules that some platforms bring instead; both in one environment would overwrite each other.
INSTEAD = {"tensorflow-cpu": "tensorflow"}


@dataclass(frozen=True)
class Installation:
    """What to do about the project's requirements.

    Attributes:
        wanted: requirements to install, as pyproject.toml writes them.
        kept: `name==version` of those that are there and do; pip may not touch them.
        replaced: names of packages that are there in a version that does not do.
    """

    wanted: tuple[str, ...]
    kept: tuple[str, ...]
    replaced: tuple[str, ...]


def install_missing() -> Sequence[str]:
    """Install what pyproject.toml asks for and this environment lacks; return the requirements installed.

    Raises UserError where Python is of another version, pip fails, or a package was replaced that this
    process has loaded already.
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    check_python(project["requires-python"], sys.version.split()[0])
    plan = plan_for([Requirement(text) for text in project["dependencies"]])
    if plan.wanted:
        stale = [module for module in _modules_of(plan.replaced) if module in sys.modules]
        _install(plan)
        if stale:
            raise UserError(
                f"{', '.join(stale)}: installed anew, but this session still holds the version before; restart"
                " the session (Runtime or Kernel, Restart) and run the notebook again from the top."
            )
    return plan.wanted


def check_python(specifier: str, version: str) -> None:
    """Raise UserError unless a Python version, as `3.12.1`, is one that the project runs on."""
    if Version(version) not in Requirement(f"python{specifier}").specifier:
        raise UserError(
            f"Python {version}: the project needs {specifier}; choose a kernel with such a Python, as 3.12."
        )


def plan_for(requirements: Sequence[Requirement]) -> Installation:
    """Compare requirements with what is installed."""
    wanted, kept, replaced = [], [], []
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        name, version = _installed(requirement.name)
        # pip needs no condition that holds here.
        asked = f"{name}{requirement.specifier}"
        if version is None:
            wanted.append(asked)
        elif requirement.specifier.contains(version, prereleases=True):
            kept.append(f"{name}=={version}")
        else:
            wanted.append(asked)
            replaced.append(name)
    return Installation(tuple(wanted), tuple(kept), tuple(replaced))


def _installed(name: str) -> tuple[str, Version | None]:
    """The package that brings what `name` brings, and its version; None where neither is there."""
    for each in filter(None, (name, INSTEAD.get(name))):
        try:
            return each, Version(metadata.version(each))
        except metadata.PackageNotFoundError:
            continue
    return name, None


def _modules_of(names: Sequence[str]) -> list[str]:
    return [
        module
        for module, packages in metadata.packages_distributions().items()
        if {package.lower() for package in packages} & {name.lower() for name in names}
    ]


def _install(plan: Installation) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Else pip may swap a NumPy or pandas that the platform's other packages were built for.
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(plan.kept), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--constraint", str(constraints), *plan.wanted], capture_output=True, text=True
        )
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in words if "error" in line.lower()]
        reason = (errors or words or ["pip said nothing"])[0].removeprefix("ERROR: ").rstrip(".")
        raise UserError(
            f"{', '.join(plan.wanted)}: pip could not install them ({reason}); install them by hand into"
            f" {sys.executable}, or run the notebook with the environment that make build makes."
        )
