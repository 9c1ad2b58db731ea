"""Where things are: the project's folders, and every file and folder of a warehouse, and paths that people give. Writes nothing."""

import os
from pathlib import Path

from scripts.base.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]
DBT_PROJECT = PROJECT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"
STAGING = DBT_PROJECT / "models" / "staging"
SAMPLE = PROJECT / "data" / "sample"

# The environment variable with the folder that the machine's owner wants results in.
WAREHOUSE = "CARD_SEGMENTS_WAREHOUSE"

# Below the warehouse's folder. What readers open: links through CURRENT, the one link to the version in use.
LINK, PARQUET = "card_segments.duckdb", "parquet"
REPORT, WORKBOOK = "card_segments_report.html", "card_segments.xlsx"
# Where the customers go that a sheet of the workbook cannot hold.
CUSTOMERS = "card_segments_customers.parquet"
# A version is a folder of VERSIONS; it holds these under these names.
OF_A_VERSION = (LINK, PARQUET, REPORT, WORKBOOK, CUSTOMERS)
CURRENT, VERSIONS = "current", "versions"
DOCS = Path("docs") / "index.html"
# What the job works in and leaves behind:
WORK = "work.duckdb"
DBT_TARGET, LOGS = "dbt", "logs"
MANIFEST, RUN_RESULTS = Path(DBT_TARGET) / "manifest.json", Path(DBT_TARGET) / "run_results.json"
DBT_LOG, STAGES = Path(LOGS) / "dbt.log", Path(LOGS) / "stages.json"
# What people decided:
OBJECTIONS = "objections.csv"
CAMPAIGNS = "campaigns"
METABASE = "metabase"
# What is being written begins so, and with the process that writes, until it is whole: see files.py.
PARTIAL = ".partial-"
# Of a path that an error names.
LONGEST_SHOWN = 120


def warehouse_folder() -> Path:
    """The warehouse's folder: an absolute path, which need not exist."""
    return Path(os.environ.get(WAREHOUSE, PROJECT / "warehouse")).absolute()


def given_path(name: str, text: str) -> Path:
    """The path that parameter `name` gives, with `~` expanded; nothing need be there.

    Raises UserError where no file can be there: an unknown user's home, a link to itself, a name that is too long.
    """
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    try:
        path = Path(text).expanduser()
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{name}={shown}: is no usable path ({reason.rstrip('.')}); give another.") from None
    return path
