"""The ways that are compared: what is run for each, where its labels go, and what it needs. Runs nothing."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.base.paths import WAREHOUSE

# What a way does: from the ledger to labels, or from the features of every customer.
JOB, LEARNING = "job", "learning"
SCOPES = {
    JOB: "From the ledger to segments",
    LEARNING: "The learning alone, from features that are there",
}
BUILD, NOTEBOOK, POLARS = "this build", "pandas, scikit-learn (notebook)", "Polars, scikit-learn"
OUR_LEARNING, SCIKIT_LEARN, FAISS, PYCARET = "this build's learning", "scikit-learn", "FAISS", "PyCaret"
# Which of the project's own a scope's others are compared with.
OURS = {JOB: BUILD, LEARNING: OUR_LEARNING}
PEERS_FILE, PYCARET_FILE = (
    "scripts/benchmark/peers_requirements.txt",
    "scripts/benchmark/pycaret_requirements.txt",
)


@dataclass(frozen=True)
class SizeFiles:
    """Where a size's files are; the folder holds everything but the ledger."""

    ledger: Path
    folder: Path

    @property
    def warehouse(self) -> Path:
        """Of the build."""
        return self.folder / "warehouse"

    @property
    def customers(self) -> Path:
        """A row a customer in random order: id, place, hidden type, segment of the build."""
        return self.folder / "customers.parquet"

    @property
    def features(self) -> Path:
        """Features in that order."""
        return self.folder / "features.npy"

    @property
    def sample(self) -> Path:
        """The customers that the build learned from, as it handed them to the learning."""
        return self.folder / "sample.parquet"


@dataclass(frozen=True)
class Way:
    """One of what is compared.

    Attributes:
        scope: JOB or LEARNING.
        command: runs it once.
        file: its files in the folder of a size are called so, with endings of their own.
        missing: why it cannot be run here, '' where it can.
        environment: variables for it.
    """

    name: str
    scope: str
    command: tuple[str, ...]
    file: Path
    missing: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> Path:
        """Segment of each customer, in the order of SizeFiles.customers or beside the id."""
        return self.file.with_suffix(".npy" if self.scope == LEARNING else ".parquet")

    @property
    def report(self) -> Path:
        """What it says of itself."""
        return self.file.with_suffix(".json")

    @property
    def log(self) -> Path:
        """Its output."""
        return self.file.with_suffix(".log")


def _python_of(name: str, environment: Path, requirements: str) -> tuple[str, str]:
    """The interpreter of an environment, and why it cannot be had, or ''."""
    python = environment / "bin" / "python"
    if python.is_file():
        return str(python), ""
    return str(python), f"{name}={environment} is no environment made from {requirements}"


def ways_of(files: SizeFiles, peers: Path, pycaret: Path, k_max: int, with_notebook: bool) -> list[Way]:
    """All ways, in the order in which they take turns; the build is the first, since the others need its features."""
    of_peers, no_peers = _python_of("PEERS", peers, PEERS_FILE)
    of_pycaret, no_pycaret = _python_of("PYCARET", pycaret, PYCARET_FILE)

    def whole(name: str, python: str, module: str, missing: str) -> Way:
        file = files.folder / module
        way = Way(name, JOB, (), file, missing)
        paths = (str(files.ledger), str(way.labels), str(way.report))
        return Way(
            name, JOB, (python, "-m", f"scripts.benchmark.{module}", *paths, str(k_max)), file, missing
        )

    def learner(name: str, python: str, library: str, missing: str, **environment: str) -> Way:
        file = files.folder / library
        way = Way(name, LEARNING, (), file, missing)
        paths = (str(files.features), str(way.labels), str(way.report))
        command = (python, "-m", "scripts.benchmark.learners", library, *paths, str(k_max))
        return Way(name, LEARNING, command, file, missing, environment)

    build = files.folder / "build"
    ours = files.folder / "our_learning"
    return [
        Way(
            BUILD,
            JOB,
            (sys.executable, "-m", "scripts.build", f"SOURCE={files.ledger}"),
            build,
            environment={WAREHOUSE: str(files.warehouse)},
        ),
        whole(NOTEBOOK, sys.executable, "notebook", "" if with_notebook else "NOTEBOOK=no"),
        whole(POLARS, of_peers, "polars_way", no_peers),
        Way(
            OUR_LEARNING,
            LEARNING,
            (
                *(sys.executable, "-m", "scripts.benchmark.learning", "--learn"),
                *(str(files.sample), str(ours.with_suffix(".json"))),
            ),
            ours,
        ),
        learner(SCIKIT_LEARN, sys.executable, "scikit_learn", ""),
        learner(FAISS, of_peers, "faiss", no_peers),
        # It writes a log beside whoever runs it.
        learner(PYCARET, of_pycaret, "pycaret", no_pycaret, PYCARET_CUSTOM_LOGGING_PATH="/dev/null"),
    ]
