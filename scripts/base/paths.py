"""Where things are: the project's folders, and every file and folder of a warehouse, and paths that people give. Writes nothing."""

import os
import sys
import unicodedata
from pathlib import Path

from python_models.typed import shown
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
# Two pages of the report for a meeting, where somebody asked for them.
REPORT_PDF = "card_segments_report.pdf"
# Slides, where somebody asked for them.
SLIDES = "card_segments.pptx"
# Where the customers go that a sheet of the workbook cannot hold.
CUSTOMERS = "card_segments_customers.parquet"
# A version is a folder of VERSIONS; it holds these under these names.
OF_A_VERSION = (LINK, PARQUET, REPORT, REPORT_PDF, WORKBOOK, CUSTOMERS, SLIDES)
# Beside them, for the next build alone: every model that was ever learned.
MODELS = Path("state") / "models.parquet"
# And the name of the version that was in use before it.
FOLLOWS = Path("state") / "follows"
# And what it was built from.
BUILT_FROM = Path("state") / "built_from.json"
# And whose the accounts of its refused rows are, so that who is to be forgotten is found there.
ACCOUNTS = Path("state") / "accounts.parquet"
# And by which key its ids are pseudonyms, if they are.
PSEUDONYMS = Path("state") / "pseudonyms.json"
CURRENT, VERSIONS = "current", "versions"
DOCS = Path("docs") / "index.html"
# What the job works in and leaves behind:
WORK = "work.duckdb"
DBT_TARGET, LOGS = "dbt", "logs"
MANIFEST, DOCUMENTATION = Path(DBT_TARGET) / "manifest.json", Path(DBT_TARGET) / "documentation.json"
DBT_LOG, RUN, TRACEBACK = Path(LOGS) / "dbt.log", Path(LOGS) / "run.json", Path(LOGS) / "traceback.txt"
# Rows of the input's files of text, so that each is read once.
ROWS = "rows"
# Tables of a build on Spark, which go with it, and what Spark says of itself.
SPARK_TABLES, SPARK_LOG = "spark", Path(LOGS) / "spark.log"
# What people decided:
OBJECTIONS = "objections.csv"
# Who was forgotten, as keyed hashes, and their key.
FORGOTTEN, FORGOTTEN_KEY = "forgotten.csv", "forgotten.key"
CAMPAIGNS = "campaigns"
METABASE = "metabase"
# What is being written begins so, and with the process that writes, until it is whole: see files.py.
PARTIAL = ".partial-"


def warehouse_folder() -> Path:
    """The warehouse's folder: an absolute path, which need not exist.

    Raises UserError where no warehouse can be there.
    """
    text = os.environ.get(WAREHOUSE) or str(PROJECT / "warehouse")
    # DuckDB and dbt-duckdb take these for parts of an address; a line break would cut sentences and scripts in two.
    if set(text) & set("?#") or any(unicodedata.category(sign) == "Cc" for sign in text):
        raise UserError(
            f"{WAREHOUSE}={shown(text)}: a warehouse's path may hold no ?, no # and no line break or other control"
            " character; give another folder."
        )
    return usable(WAREHOUSE, text, Path(text)).absolute()


def given_path(name: str, text: str) -> Path:
    """The path that parameter `name` gives, with `~` expanded; nothing need be there.

    Raises UserError where no file can be there, as in the home of an unknown user.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise _unusable(name, text, error) from None
    return usable(name, text, path)


def usable(name: str, text: str, path: Path) -> Path:
    """Return the path that `name` gives as `text`.

    Raises UserError where no file can be there: a link to itself, a name that is too long or no UTF-8, a folder that
    may not be entered.
    """
    try:
        # DuckDB and dbt take no other names; in the locale C, Python gives none with letters beyond ASCII.
        text.encode("utf-8")
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        raise _unusable(name, text, error) from None
    return path


def _unusable(name: str, text: str, error: Exception) -> UserError:
    reason = getattr(error, "strerror", None) or str(error)
    way_out = "give another"
    if isinstance(error, UnicodeEncodeError):
        reason = f"its name is not UTF-8 in this locale, {sys.getfilesystemencoding()}"
        way_out = "give another, or set LC_ALL=C.UTF-8"
    if isinstance(error, PermissionError):
        way_out = "check the rights of the folders on the way, or give another"
    return UserError(f"{name}={shown(text)}: is no usable path ({reason.rstrip('.')}); {way_out}.")
