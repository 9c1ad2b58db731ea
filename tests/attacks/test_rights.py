"""Who can read what the job writes: its owner, and a group that was named; nobody else."""

import grp
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.base.files import whole_file
from scripts.base.rights import group_named
from tests.support.builds import QUICK, REPO

# Of a user and a group that are nobody's here.
STRANGER, TEAM = 64_001, 64_002
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


def modes(folder: Path) -> dict[str, str]:
    """Kind and permissions of everything in a folder, itself included; of links those of what they are count."""
    paths = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    return {str(path.relative_to(folder)): stat.filemode(path.stat().st_mode) for path in paths}


def as_user(user: int, *groups: int) -> Callable[[], None]:
    """What makes a child process another user's."""

    def become() -> None:
        os.setgroups(groups)
        os.setgid(user)
        os.setuid(user)

    return become


def reads(path: Path, user: int, *groups: int) -> bool:
    """Whether another user can read a file."""
    done = subprocess.run(
        ["cat", str(path)], capture_output=True, preexec_fn=as_user(user, *groups), timeout=60
    )
    return done.returncode == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rights")


def run(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Build a small sample of a summary with an ordinary umask."""
    return subprocess.run(
        [sys.executable, "-m", "scripts.build", *QUICK, f"SOURCE={place / 'ledger'}", "K=2", *arguments],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(place / "warehouse")},
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.umask(0o022) and None,
        timeout=300,
    )


@pytest.fixture(scope="module")
def warehouse(place: Path) -> Path:
    """A warehouse that was built twice: at first for its owner, over a folder that everybody could read."""
    from scripts.sample.ledger import write_sample_ledger

    write_sample_ledger(place / "ledger", customers=200, seed=4, file_format="csv", months=12)
    folder = place / "warehouse"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "objections.csv").write_text("customer_id,recorded_at\n")
    (folder / "objections.csv").chmod(0o644)
    done = run(place)
    assert done.returncode == 0, done.stderr
    assert f"{folder} could be read by every user of this machine; from now on it cannot" in done.stdout
    return folder


def test_what_a_build_writes_is_its_owners_alone(warehouse: Path) -> None:
    found = modes(warehouse)
    assert {name: mode for name, mode in found.items() if mode[4:] != "------"} == {}
    assert {"work.duckdb", "objections.csv", "logs/dbt.log", "build.lock"} <= set(found)
    version = (warehouse / "current").readlink()
    for name in ("card_segments.duckdb", "card_segments.xlsx", "card_segments_report.html"):
        assert found[str(version / name)] == "-r--------"


@AS_ROOT
def test_a_group_may_read_what_is_published_and_nothing_else(warehouse: Path) -> None:
    """By its number, as it has no name here; the next build goes on sharing and says so; `none` ends it."""
    done = run(warehouse.parent, f"SHARE_GROUP={TEAM}")
    assert done.returncode == 0, done.stderr
    found = modes(warehouse)
    readable = {name.split("/")[0] for name, mode in found.items() if mode[4:7] != "---"}
    assert readable == {".", "versions"}
    assert {mode[7:] for mode in found.values()} == {"---"}
    for name in (
        "card_segments.duckdb",
        "card_segments.xlsx",
        "card_segments_report.html",
        "parquet/words.parquet",
    ):
        path = (warehouse / name).resolve()
        assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (TEAM, 0o440)
    done = run(warehouse.parent)
    assert f"SHARE_GROUP is left out: group {TEAM} may read what is published, as before" in done.stdout
    assert (warehouse / "card_segments.duckdb").resolve().stat().st_gid == TEAM
    done = subprocess.run(
        [sys.executable, "-m", "scripts.excel"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    made = (warehouse / "card_segments.xlsx").resolve().stat()
    assert (made.st_gid, stat.S_IMODE(made.st_mode)) == (TEAM, 0o640), "made anew it is the group's, too"
    done = run(warehouse.parent, "SHARE_GROUP=none")
    assert done.returncode == 0 and "SHARE_GROUP" not in done.stdout
    assert {name: mode for name, mode in modes(warehouse).items() if mode[4:] != "------"} == {}


@AS_ROOT
def test_other_users_cannot_read_and_members_can(warehouse: Path) -> None:
    """Tried as other users, in a folder of the system's that everybody may pass."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(shutil.copytree(warehouse, Path(folder) / "warehouse", symlinks=True))
        published = copy / "card_segments.duckdb"
        assert not reads(published, STRANGER)
        for path in (
            copy,
            copy / "versions",
            *(copy / "current").resolve().rglob("*"),
            (copy / "current").resolve(),
        ):
            os.chown(path, 0, TEAM)
            path.chmod(path.stat().st_mode | (path.stat().st_mode & 0o500) >> 3)
        assert not reads(published, STRANGER)
        assert reads(published, STRANGER, TEAM)
        assert not reads(copy / "work.duckdb", STRANGER, TEAM)


def test_a_group_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SHARE_GROUP=nosuchgroup: this machine has no such group"):
        group_named("nosuchgroup")
    assert group_named(grp.getgrgid(os.getegid()).gr_name) == os.getegid()


@pytest.mark.parametrize("private", [True, False])
def test_a_file_is_readable_to_those_who_may_read_its_folder(tmp_path: Path, private: bool) -> None:
    tmp_path.chmod(0o750)
    with whole_file(tmp_path / "file", private=private) as partial:
        assert stat.S_IMODE(partial.stat().st_mode) == 0o600
        partial.write_text("text")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == (0o600 if private else 0o640)


def test_an_objector_is_gone_from_the_bytes_of_the_work_file(warehouse: Path) -> None:
    """What is published says of them that they object, and a log or another file nothing at all."""
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        (who,) = connection.sql(
            "select customer_id from marts.customer_values where customer_id is not null order by 1 limit 1"
        ).fetchall()[0]
    listed = warehouse.parent / "objections.csv"
    listed.write_text(f"customer_id\n{who}\n")
    done = run(warehouse.parent, f"OBJECTIONS={listed}", "KEEP_VERSIONS=1")
    assert done.returncode == 0, done.stderr
    published = (warehouse / "card_segments.duckdb").resolve()
    with duckdb.connect(str(published), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
        holding = {
            table
            for table, column in columns
            if connection.execute(
                f'select 1 from marts."{table}" where contains(cast("{column}" as varchar), ?) limit 1', [who]
            ).fetchall()
        }
        assert holding == {"customer_segments"}
        assert connection.execute(
            "select status, segment_id from marts.customer_segments where customer_id = ?", [who]
        ).fetchall() == [("suppressed", None)]
    holding_bytes = {
        path.relative_to(warehouse).as_posix()
        for path in warehouse.rglob("*")
        if path.is_file() and not path.is_symlink() and who.encode() in path.read_bytes()
    }
    # The input's own rows, which nothing is computed of for them: see docs/operations.md.
    holding_bytes = {name for name in holding_bytes if not name.startswith("rows/")}
    version = published.parent.relative_to(warehouse).as_posix()
    assert {f"{version}/card_segments.duckdb", "objections.csv"} <= holding_bytes
    assert holding_bytes <= {
        f"{version}/card_segments.duckdb",
        f"{version}/parquet/customer_segments.parquet",
        "objections.csv",
    }
