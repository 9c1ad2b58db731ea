"""`make metabase`: a Metabase with the segments' dashboards, in Docker, or one that you run.

Reads the published file and dbt's manifest; writes warehouse/metabase/ and, over HTTP, to Metabase.

python -m scripts.metabase [NAME=value ...]   names are those of DEFAULTS
python -m scripts.metabase stop | logs

A Metabase that you run is named in the environment: METABASE_URL, METABASE_API_KEY.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.parameters import read_arguments
from scripts.base.paths import MANIFEST, METABASE, given_path
from scripts.outputs.metabase import docker
from scripts.outputs.metabase.access import (
    ADMIN,
    KEY,
    PASSWORD,
    URL,
    access_from_environment,
    check_email,
    obtain_access,
    wait_until_up,
)
from scripts.outputs.metabase.descriptions import push_descriptions
from scripts.outputs.metabase.labels import LabelledTables
from scripts.outputs.metabase.payloads import look_of
from scripts.outputs.metabase.provision import IN_CONTAINER, Provisioned, provision
from scripts.published.reading import published_file

DEFAULTS = {
    # The administrator's e-mail, needed once.
    "EMAIL": "",
    # Where Metabase answers on this machine.
    "PORT": "3000",
    # Files for the image, instead of fetching them, and the driver's checksum.
    "DRIVER": "",
    "DRIVER_SHA256": "",
    "ICU": "",
    # Seconds until Metabase must be up, and have read the tables.
    "WAIT": "300",
    # The published file as a Metabase of yours sees it.
    "DATABASE": "",
}


def set_up(given: Sequence[str], warehouse: Path, console: Console) -> Provisioned:
    """Start Metabase where none is named, and bring it to what the code says.

    Raises UserError where nothing is published, Docker or Metabase does not do its part, or a parameter is wrong.
    """
    for argument in given:
        if (name := argument.partition("=")[0]) in (URL, KEY, PASSWORD):
            raise UserError(
                f"{name}: belongs in the environment; on a command line others on this machine could read it."
            )
    values = read_arguments(given, DEFAULTS)
    if not re.fullmatch(r"[1-9][0-9]{0,5}", values["WAIT"]):
        raise UserError(f"WAIT={values['WAIT']}: expected a whole number of seconds, as in WAIT=300.")
    wait = int(values["WAIT"])
    published = published_file(warehouse)
    tables = LabelledTables(published)
    if tables.language != tables.words["language.code"]:
        console.note(
            f"Metabase's labels are in English: there is no labels_{tables.words['language.code']}.csv beside"
            " scripts/outputs/metabase/labels_en.csv"
        )
    access = access_from_environment()
    path = values["DATABASE"] or (str(published.absolute()) if access else IN_CONTAINER)
    if access is None:
        if values["DATABASE"]:
            raise UserError("DATABASE: is for a Metabase that you run; in Docker the file has its place.")
        port = docker.read_port(values["PORT"])
        files = docker.Files(
            driver=given_path("DRIVER", values["DRIVER"]) if values["DRIVER"] else None,
            icu=given_path("ICU", values["ICU"]) if values["ICU"] else None,
            driver_sha256=values["DRIVER_SHA256"],
        )
        check_email(values["EMAIL"], warehouse)
        docker.check_docker()
        variables = docker.prepare(warehouse, port, files)
        with console.stage("Build and start the containers"):
            url = docker.start(variables, warehouse)
        with console.stage("Wait for Metabase"):
            wait_until_up(url, wait)
            access = obtain_access(url, values["EMAIL"], tables.word("metabase.collection"), warehouse)
    with console.stage("Questions and dashboards"):
        done = provision(access.client(), published, path)
    with console.stage("Descriptions of tables and columns"):
        push_descriptions(
            access,
            warehouse / MANIFEST,
            done.database_name,
            look_of(tables).currency,
            wait,
        )
    console.print(f"  Database, questions and dashboards: {done.changes}")
    for key, dashboard in done.dashboards.items():
        console.print(f"  {tables.word(f'metabase.dashboard.{key}'):<24}{access.url}/dashboard/{dashboard}")
    admin = warehouse / METABASE / ADMIN
    if access_from_environment() is None and admin.exists():
        console.print(
            f"  Sign in as {admin.read_text(encoding='utf-8').splitlines()[0]}; the password is in {admin}"
        )
    return done
