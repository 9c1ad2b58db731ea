"""Metabase in Docker: is Docker there, is the port free, build and start, stop.

Runs `docker compose` on compose.yml; reads and writes warehouse/metabase/.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.paths import METABASE
from scripts.outputs.metabase.access import own_folder, write_private

HERE = Path(__file__).parent
COMPOSE = HERE / "compose.yml"
PROJECT = "card-segments"
ENVIRONMENT, SECRET, IMAGE, LOG = "compose.env", "application_database.txt", "image", "docker.log"


@dataclass(frozen=True)
class Files:
    """What the image takes from this machine rather than from elsewhere; None is fetched when it is built.

    Attributes:
        driver: duckdb.metabase-driver.jar.
        icu: icu.duckdb_extension of the driver's DuckDB, for Linux.
        driver_sha256: what the driver's SHA-256 must be; empty: not checked.
    """

    driver: Path | None = None
    icu: Path | None = None
    driver_sha256: str = ""


def read_port(text: str) -> int:
    """PORT as a number; raises UserError for what is no port."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or not 1024 <= int(text) <= 65535:
        raise UserError(f"PORT={text}: expected a number from 1024 to 65535, as in PORT=3000.")
    return int(text)


def check_docker() -> None:
    """Raise UserError where Docker, its Compose plugin or its daemon is not there."""
    if shutil.which("docker") is None:
        raise UserError(
            "docker: not installed; install Docker with Compose, or name a Metabase that you run by METABASE_URL"
            " and METABASE_API_KEY in the environment."
        )
    if _run(["docker", "compose", "version"]).returncode:
        raise UserError("docker compose: not installed; install Docker's Compose plugin, version 2.")
    if _run(["docker", "info"]).returncode:
        raise UserError(
            "docker: its daemon does not answer; start Docker, or let your user speak to it, and run make metabase"
            " again."
        )


def prepare(warehouse: Path, port: int, files: Files) -> dict[str, str]:
    """Write what compose.yml needs into warehouse/metabase/ and return its variables.

    Raises UserError for a file that is not there or a checksum that is none.
    """
    folder = own_folder(warehouse)
    if not re.fullmatch(r"([0-9a-f]{64})?", files.driver_sha256):
        raise UserError(f"DRIVER_SHA256={files.driver_sha256}: expected 64 hexadecimal digits.")
    image = folder / IMAGE
    shutil.rmtree(image, ignore_errors=True)
    image.mkdir()
    shutil.copy(HERE / "Dockerfile", image)
    for name, source, target in (
        ("DRIVER", files.driver, "duckdb.metabase-driver.jar"),
        ("ICU", files.icu, "icu.duckdb_extension"),
    ):
        if source is not None:
            if not source.is_file():
                raise UserError(f"{name}={source}: no such file; give the path of {target}.")
            shutil.copy(source, image / target)
    secret = folder / SECRET
    if not secret.exists():
        write_private(secret, secrets.token_urlsafe(32))
    owner = warehouse.stat()
    variables = {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "CARD_SEGMENTS_IMAGE": str(image),
        "CARD_SEGMENTS_WAREHOUSE": str(warehouse.resolve()),
        "CARD_SEGMENTS_READER": f"{owner.st_uid}:{owner.st_gid}",
        "CARD_SEGMENTS_SECRET": str(secret),
        "CARD_SEGMENTS_PORT": str(port),
        "CARD_SEGMENTS_DRIVER_FROM": "file" if files.driver else "release",
        "CARD_SEGMENTS_DRIVER_SHA256": files.driver_sha256,
        "CARD_SEGMENTS_ICU_FROM": "file" if files.icu else "package",
    }
    # Quoted: a path may have a space.
    lines = [f"{name}='{value}'" for name, value in variables.items()]
    write_private(folder / ENVIRONMENT, "\n".join(lines) + "\n")
    return variables


def start(variables: Mapping[str, str], warehouse: Path) -> str:
    """Build the image and start the containers; returns where Metabase will answer.

    Raises UserError where the port is taken or Docker fails; its words are in warehouse/metabase/docker.log.
    """
    port = int(variables["CARD_SEGMENTS_PORT"])
    running = _compose(variables, "ps", "--status", "running", "--quiet", "metabase").stdout.strip()
    if not running and _is_taken(port):
        raise UserError(
            f"PORT={port}: another program listens there; give another one, as in make metabase PORT={port + 1}."
        )
    done = _compose(variables, "up", "--detach", "--build")
    log = warehouse / METABASE / LOG
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise UserError(f"docker compose up: failed ({_last_words(done)}); all of it is in {log}.")
    return f"http://127.0.0.1:{port}"


def stop(warehouse: Path) -> None:
    """Stop the containers; what people made stays in its volume. Raises UserError where there are none."""
    check_docker()
    done = _compose(read_variables(warehouse), "down")
    if done.returncode:
        raise UserError(f"docker compose down: failed ({_last_words(done)}); look whether Docker runs.")


def read_variables(warehouse: Path) -> dict[str, str]:
    """The variables that `make metabase` wrote; raises UserError where it did not."""
    path = warehouse / METABASE / ENVIRONMENT
    if not path.exists():
        raise UserError(f"{path}: not there, so make metabase has started nothing.")
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


def logs(warehouse: Path) -> str:
    """The last lines that Metabase and its database wrote."""
    check_docker()
    return _compose(read_variables(warehouse), "logs", "--tail", "100").stdout


def _compose(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", "--file", str(COMPOSE), *arguments]
    return _run(command, variables)


def _run(command: list[str], variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**os.environ, **(variables or {})}, capture_output=True, text=True, check=False
    )


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return said[-1] if said else "it said nothing"


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # A port that a program has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
