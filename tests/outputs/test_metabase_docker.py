"""Metabase in Docker: compose.yml and the Dockerfile as far as they can be read without a daemon, and what goes wrong.

No test here builds the image or starts a container.
"""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from scripts.base.errors import UserError
from scripts.outputs.metabase import docker
from scripts.outputs.metabase.provision import IN_CONTAINER, connection_details
from scripts.outputs.metabase.resync import ask_for_resync
from scripts.published.version import LINK
from tests.support.builds import REPO
from tests.support.copied_version import copy_warehouse
from tests.support.metabase_server import served
from tests.support.postgres_server import free_port

COMPOSE = yaml.safe_load(docker.COMPOSE.read_text(encoding="utf-8"))
DOCKERFILE = (docker.HERE / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return docker.prepare(tmp_path, 3000, docker.Files())


def checker() -> list[str] | None:
    """The program that reads compose files here: Compose 2 as Docker's plugin, or Debian's docker-compose."""
    if shutil.which("docker"):
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if found.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def test_compose_itself_reads_the_file(variables: dict[str, str]) -> None:
    command = checker()
    if command is None:
        pytest.skip("no Compose is installed (Debian: docker-compose)")
    done = subprocess.run(
        [*command, "--file", str(docker.COMPOSE), "config"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)
    mount = read["services"]["metabase"]["volumes"][0]
    assert (mount["source"], mount["target"]) == (variables["CARD_SEGMENTS_WAREHOUSE"], "/warehouse")
    assert read["services"]["metabase"]["build"]["args"]["DRIVER_FROM"] == "release"


def test_without_its_variables_it_says_what_to_run() -> None:
    command = checker()
    if command is None:
        pytest.skip("no Compose is installed (Debian: docker-compose)")
    bare = {k: v for k, v in os.environ.items() if not k.startswith("CARD_SEGMENTS")}
    done = subprocess.run(
        [*command, "--file", str(docker.COMPOSE), "config"],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "run make metabase" in done.stderr


def test_the_variables_of_the_file_are_those_that_are_given(
    variables: dict[str, str], tmp_path: Path
) -> None:
    used = set(re.findall(r"\$\{(\w+)", docker.COMPOSE.read_text(encoding="utf-8")))
    assert used == set(variables) - {"COMPOSE_PROJECT_NAME"}
    assert docker.read_variables(tmp_path) == variables


def test_metabase_answers_this_machine_alone_and_the_database_nobody() -> None:
    services = COMPOSE["services"]
    assert all(port.startswith("127.0.0.1:") for port in services["metabase"]["ports"])
    assert "ports" not in services["application-database"]


def test_the_warehouses_folder_is_mounted_read_only() -> None:
    (mount,) = COMPOSE["services"]["metabase"]["volumes"]
    assert mount["type"] == "bind"
    assert mount["read_only"] is True
    assert f"{mount['target']}/{LINK}" == IN_CONTAINER == connection_details(IN_CONTAINER)["database_file"]
    # The temporary directory is outside of it.
    assert "temp_directory=/tmp/" in connection_details(IN_CONTAINER)["additional-options"]


def test_what_people_make_outlives_the_containers() -> None:
    volume = COMPOSE["services"]["application-database"]["volumes"][0].split(":")[0]
    assert volume in COMPOSE["volumes"]
    assert COMPOSE["services"]["metabase"]["environment"]["MB_DB_TYPE"] == "postgres"


def test_nothing_is_sent_home_and_no_sample_loaded() -> None:
    environment = COMPOSE["services"]["metabase"]["environment"]
    for name in ("MB_ANON_TRACKING_ENABLED", "MB_CHECK_FOR_UPDATES", "MB_LOAD_SAMPLE_CONTENT"):
        assert environment[name] == "false"


def test_no_password_stands_in_a_file_of_the_project() -> None:
    for text in (docker.COMPOSE.read_text(encoding="utf-8"), DOCKERFILE):
        for line in text.splitlines():
            if "PASS" in line:
                assert "_PASSWORD_FILE: /run/secrets/" in line or "$(cat /run/secrets/" in line


def test_java_and_duckdb_fit_into_the_containers_memory() -> None:
    heap = int(re.search(r"-Xmx(\d)g", COMPOSE["services"]["metabase"]["environment"]["JAVA_OPTS"])[1])  # type: ignore[index]
    duck = int(re.fullmatch(r"(\d)GB", connection_details("x")["memory_limit"])[1])  # type: ignore[index]
    assert heap + duck < int(COMPOSE["services"]["metabase"]["mem_limit"].rstrip("g"))


def test_the_image_has_the_duckdb_that_wrote_the_file() -> None:
    pinned = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    assert pinned["DUCKDB"] == duckdb.__version__
    assert pinned["DRIVER"].startswith(f"{duckdb.__version__}.")
    # What the driver's release names, in one of its releases with the security fixes of August 2026.
    assert re.fullmatch(r"v0\.63\.\d+", pinned["METABASE"])
    assert int(pinned["METABASE"].rsplit(".", 1)[1]) >= 5
    # No Alpine: DuckDB's library needs glibc.
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases[-1] == "eclipse-temurin:21-jre-jammy"


def test_every_stage_that_is_copied_from_is_there() -> None:
    stages = set(re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert set(re.findall(r"COPY --from=(\S+)", DOCKERFILE)) <= stages
    for choice, values in (("driver", ("release", "file")), ("icu", ("package", "file"))):
        assert {f"{choice}-{value}" for value in values} <= stages


def test_files_given_are_what_the_image_is_built_from(tmp_path: Path) -> None:
    driver, icu = tmp_path / "my driver.jar", tmp_path / "icu.duckdb_extension"
    driver.write_bytes(b"driver")
    icu.write_bytes(b"icu")
    variables = docker.prepare(tmp_path, 3000, docker.Files(driver, icu, "a" * 64))
    image = Path(variables["CARD_SEGMENTS_IMAGE"])
    assert {path.name for path in image.iterdir()} == {
        "Dockerfile", "duckdb.metabase-driver.jar", "icu.duckdb_extension",
    }  # fmt: skip
    assert (variables["CARD_SEGMENTS_DRIVER_FROM"], variables["CARD_SEGMENTS_ICU_FROM"]) == ("file", "file")
    assert variables["CARD_SEGMENTS_DRIVER_SHA256"] == "a" * 64
    # The next time without: nothing of before is left in.
    docker.prepare(tmp_path, 3000, docker.Files())
    assert {path.name for path in image.iterdir()} == {"Dockerfile"}


def test_secrets_are_for_their_owner_alone_and_kept(tmp_path: Path) -> None:
    secret = Path(docker.prepare(tmp_path, 3000, docker.Files())["CARD_SEGMENTS_SECRET"])
    first = secret.read_text()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    docker.prepare(tmp_path, 3001, docker.Files())
    assert secret.read_text() == first
    assert len(first) >= 32
    assert first not in (secret.parent / docker.ENVIRONMENT).read_text()


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"DRIVER=/none.jar: no such file; give the path of duckdb.metabase-driver"
    ):
        docker.prepare(tmp_path, 3000, docker.Files(driver=Path("/none.jar")))
    with pytest.raises(UserError, match=r"ICU=/none: no such file; give the path of icu.duckdb_extension"):
        docker.prepare(tmp_path, 3000, docker.Files(icu=Path("/none")))
    with pytest.raises(UserError, match=r"DRIVER_SHA256=12: expected 64 hexadecimal digits"):
        docker.prepare(tmp_path, 3000, docker.Files(driver_sha256="12"))


# Docker itself, played by a script that notes how it was called.


@pytest.fixture
def docker_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program `docker` first on the path, with a shell script's body; returns the file of its calls."""

    def make(body: str) -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir(exist_ok=True)
        program = folder / "docker"
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{body}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return calls

    return make


def test_docker_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"docker: not installed; .*METABASE_URL and METABASE_API_KEY"):
        docker.check_docker()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('[ "$1" = compose ] && exit 1 || exit 0', "docker compose: not installed"),
        ('[ "$1" = info ] && exit 1 || exit 0', "its daemon does not answer; start Docker"),
    ],
)
def test_docker_lacks_something(docker_that: Callable[[str], Path], body: str, sentence: str) -> None:
    docker_that(body)
    with pytest.raises(UserError, match=sentence):
        docker.check_docker()


def test_the_port_is_taken_by_another_program(docker_that: Callable[[str], Path], tmp_path: Path) -> None:
    calls = docker_that("exit 0")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        variables = docker.prepare(tmp_path, port, docker.Files())
        with pytest.raises(
            UserError, match=rf"PORT={port}: another program listens there; .*PORT={port + 1}"
        ):
            docker.start(variables, tmp_path)
        assert "up" not in calls.read_text()
        # By our own Metabase, it is no trouble.
        docker_that('case "$*" in *ps*) echo 1a2b;; esac; exit 0')
        assert docker.start(variables, tmp_path) == f"http://127.0.0.1:{port}"


def test_starting_fails(docker_that: Callable[[str], Path], tmp_path: Path) -> None:
    docker_that('case "$*" in *up*) echo "pull access denied" >&2; exit 1;; esac; exit 0')
    variables = docker.prepare(tmp_path, free_port(), docker.Files())
    with pytest.raises(
        UserError, match=r"docker compose up: failed \(pull access denied\); all of it is in .*docker.log"
    ):
        docker.start(variables, tmp_path)
    assert "pull access denied" in (tmp_path / "metabase" / docker.LOG).read_text()


@pytest.mark.parametrize(("said", "words"), [("no such network", "no such network"), ("", "it said nothing")])
def test_stopping_fails(docker_that: Callable[[str], Path], tmp_path: Path, said: str, words: str) -> None:
    docker_that(f'case "$*" in *down*) echo "{said}" >&2; exit 1;; esac; exit 0')
    docker.prepare(tmp_path, 3000, docker.Files())
    with pytest.raises(UserError, match=rf"docker compose down: failed \({words}\)"):
        docker.stop(tmp_path)


def test_no_secret_is_on_a_command_line(docker_that: Callable[[str], Path], tmp_path: Path) -> None:
    calls = docker_that("exit 0")
    variables = docker.prepare(tmp_path, free_port(), docker.Files())
    docker.start(variables, tmp_path)
    docker.stop(tmp_path)
    said = calls.read_text()
    assert Path(variables["CARD_SEGMENTS_SECRET"]).read_text() not in said
    assert "up --detach --build" in said
    # Down leaves the volume: no --volumes.
    assert said.rstrip().endswith("down")


def test_there_is_nothing_to_stop(docker_that: Callable[[str], Path], tmp_path: Path) -> None:
    docker_that("exit 0")
    with pytest.raises(UserError, match=r"not there, so make metabase has started nothing"):
        docker.stop(tmp_path)


def test_from_nothing_to_dashboards(
    docker_that: Callable[[str], Path], sample_build: Path, tmp_path: Path
) -> None:
    """The whole command, with Docker played by a script and Metabase by the tests' server; then again."""
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    (warehouse / "dbt").mkdir()
    shutil.copy(sample_build.parent / "dbt" / "manifest.json", warehouse / "dbt")
    copy_warehouse(sample_build, warehouse)
    calls = docker_that('case "$*" in *ps*) echo 1a2b;; esac; exit 0')
    with served(sample_build) as fake:
        fake.starting = 2
        port = fake.url.rsplit(":", 1)[1]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("METABASE")}
        environment["CARD_SEGMENTS_WAREHOUSE"] = str(warehouse)

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "scripts.metabase", f"PORT={port}", *arguments],
                cwd=REPO, env=environment, capture_output=True, text=True, timeout=120,
            )  # fmt: skip

        done = run()
        assert done.returncode == 1
        assert "make metabase EMAIL=you@example.com" in done.stderr
        done = run("EMAIL=you@example.com")
        assert done.returncode == 0, done.stdout + done.stderr
        password = (warehouse / "metabase" / "admin.txt").read_text().splitlines()[1]
        key = fake.keys[0]["unmasked_key"]
        for secret in (password, key):
            assert secret not in done.stdout + done.stderr + calls.read_text()
        assert fake.admin == ("you@example.com", password)
        assert next(iter(fake.databases.values()))["details"] == connection_details(IN_CONTAINER)
        assert f"http://127.0.0.1:{port}/dashboard/" in done.stdout
        assert f"Sign in as you@example.com; the password is in {warehouse}/metabase/admin.txt" in done.stdout
        made = len(fake.changes())
        done = run()
        assert done.returncode == 0, done.stdout + done.stderr
        assert fake.changes()[made:] == []
        # What was left behind is enough for a build to find it.
        assert ask_for_resync(warehouse, warehouse / LINK) is None
        assert fake.wrong == []


def test_a_mount_of_the_folder_leads_to_the_version(sample_build: Path) -> None:
    """Every link is relative: it holds in the container, where the folder has another path."""
    for link in (sample_build, sample_build.parent / "current"):
        target: Any = os.readlink(link)
        assert not os.path.isabs(target)
        assert (sample_build.parent / target).exists()
