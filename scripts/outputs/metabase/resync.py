"""After a build: ask a Metabase that is there to look at the new version. Never more than a note where it does not.

Speaks to Metabase over HTTP, and reads warehouse/metabase/ and the published file.
"""

from pathlib import Path

from scripts.base.errors import UserError
from scripts.outputs.metabase.access import access_from_environment, recorded_access

# Seconds per request: a build waits for nobody's dashboards.
TIMEOUT = 5.0


def ask_for_resync(warehouse: Path, published: Path) -> str | None:
    """Let Metabase open the new version and read its tables again.

    Returns a note for who builds, or None where no Metabase is known or all went well.
    """
    try:
        access = access_from_environment() or recorded_access(warehouse)
        if access is None:
            return None
        # Imported late: most builds have no Metabase.
        from scripts.outputs.metabase.labels import LabelledTables
        from scripts.outputs.metabase.provision import description_of, find_database, refresh

        metabase = access.client(TIMEOUT)
        database = find_database(metabase)
        if database is None:
            return f"{access.url}: has no database on the published file; run make metabase."
        refresh(metabase, database, description_of(LabelledTables(published), published))
        metabase.post(f"/api/database/{database['id']}/sync_schema")
        metabase.post(f"/api/database/{database['id']}/rescan_values")
    except ImportError:
        return "Metabase was not asked to look at the new version: Python's requests is not installed."
    except UserError as error:
        return f"Metabase was not asked to look at the new version: {error}"
    return None
