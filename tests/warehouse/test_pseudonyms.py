"""PSEUDONYMS=yes: no customer's own id in what is published, the same pseudonyms month after month, and the way back by the key."""

import os
import re
import shutil
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.base.errors import UserError
from scripts.base.paths import OF_A_VERSION
from scripts.intake.pseudonyms import LOOKS_LIKE_ONE, choose_pseudonyms
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import query, run_build, run_command

MARK = "QUAGGA-"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger whose ids, of accounts too, are found in any bytes."""
    folder = tmp_path_factory.mktemp("pseudonyms") / "ledger"
    write_sample_ledger(folder, customers=300, seed=3, file_format="csv", months=18)
    for path in folder.glob("*.csv"):
        path.write_text(re.sub(r"\bC(?=[0-9]{8})", f"{MARK}C", path.read_text()))
    with (folder / "accounts.csv").open("a") as file:
        file.write(f"{MARK}C00000001-1,{MARK}PARTNER,2018-06-01,\n")
    with (folder / "transactions.csv").open("a") as file:
        file.write(f"T1,{MARK}C00000001-1,nonsense,payment,11.00,\n")
    return folder


@pytest.fixture(scope="module")
def plain(ledger: Path) -> Path:
    """A month with the customers' own ids."""
    warehouse = ledger.parent / "plain"
    done = run_build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-06-30")
    assert done.returncode == 0, done.stdout + done.stderr
    return warehouse


@pytest.fixture(scope="module")
def july(plain: Path) -> Path:
    """The month after with pseudonyms, and one more of which nobody says anything; the work file is lost between them."""
    warehouse = plain.parent / "july"
    shutil.copytree(plain, warehouse, symlinks=True)
    done = run_build(warehouse, "AS_OF=2025-07-31", "PSEUDONYMS=yes", f"PSEUDONYM_KEY={key_of(warehouse)}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 older version holds" in " ".join(done.stdout.split())
    (warehouse / "work.duckdb").unlink()
    done = run_build(warehouse, "AS_OF=2025-08-31")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PSEUDONYMS is left out" in " ".join(done.stdout.split())
    return warehouse


def key_of(warehouse: Path) -> Path:
    return warehouse.parent / "keys" / "a.key"


def ids(warehouse: Path, number: str = "") -> set[str]:
    file = next((warehouse / "versions").glob(f"{number}*")) / "card_segments.duckdb" if number else None
    found = query(
        file or warehouse / "card_segments.duckdb", "select customer_id from marts.customer_segments"
    )
    return set(found["customer_id"])


def known_by(table: Path) -> "pd.Series[str]":
    """Who is who, by the pseudonym."""
    return duckdb.sql(f"from '{table}'").df().set_index("pseudonym")["customer_id"]


def test_no_id_stands_in_any_byte_of_a_version(july: Path) -> None:
    for version in sorted((july / "versions").iterdir())[1:]:
        for path in version.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                if path.suffix == ".xlsx":
                    book = zipfile.ZipFile(path)
                    content = b"".join(map(book.read, book.namelist()))
                assert MARK.encode() not in content, path
        # Compressed blocks hide bytes.
        with duckdb.connect(str(version / "card_segments.duckdb"), read_only=True) as connection:
            for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                rows = connection.execute(f"select * from marts.{table}").fetchall()
                assert MARK not in str(rows), table
    assert {name for name in OF_A_VERSION if (july / name).exists()} >= {
        "card_segments.duckdb",
        "card_segments.xlsx",
    }


def test_pseudonyms_stay_and_history_goes_on(plain: Path, july: Path) -> None:
    assert pd.Series(sorted(ids(july))).str.fullmatch(LOOKS_LIKE_ONE).all()
    # Customers may join, and none gets another pseudonym.
    assert ids(july, "000002") <= ids(july) and not ids(plain) & ids(july)
    sizes = (
        "select valid_from, segment_id, count(*) as n from marts.segment_history group by all order by all"
    )
    first = query(plain / "card_segments.duckdb", sizes)
    history = query(july / "card_segments.duckdb", sizes)
    before = history[history["valid_from"] == first["valid_from"].iloc[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, first)
    flows = query(july / "card_segments.duckdb", "select distinct as_of_date from marts.segment_migration")
    assert len(flows) == 2
    twice = (
        "select count(*) - count(distinct customer_id) as n from marts.segment_history where valid_to is null"
    )
    assert query(july / "card_segments.duckdb", twice)["n"].tolist() == [0]


def test_a_campaign_has_ids_and_takes_lists_of_both_kinds(july: Path, tmp_path: Path) -> None:
    known = known_by(Path(f"{key_of(july)}.ids.parquet"))
    in_segments = query(
        july / "card_segments.duckdb",
        "select customer_id from marts.customer_segments where status = 'segmented' order by 1",
    )["customer_id"]
    left_out = [known[in_segments[0]], in_segments[1]]
    (tmp_path / "out.csv").write_text("customer_id\n" + "\n".join(left_out) + "\n")
    given = ["NAME=a", "SEGMENT=all", "STRESSED=include", f"OPT_OUT={tmp_path / 'out.csv'}"]
    done = run_command(july, "scripts.campaign", *given, "CONFIRM=yes")
    assert done.returncode == 0, done.stdout + done.stderr
    targets = pd.read_csv(july / "campaigns" / "a" / "targets.csv", dtype=str)
    assert targets["customer_id"].isin(known).all()
    assert not {known[each] for each in in_segments[:2]} & set(targets["customer_id"])
    assert known[in_segments[2:]].isin(targets["customer_id"]).mean() > 0.8
    pseudonyms = {real: pseudonym for pseudonym, real in known.items()}
    asked = [targets["customer_id"][0], pseudonyms[targets["customer_id"][1]]]
    (tmp_path / "outcomes.csv").write_text(
        "customer_id,responded\n" + "".join(f"{each},1\n" for each in asked)
    )
    done = run_command(july, "scripts.campaign_results", "NAME=a", f"OUTCOMES={tmp_path / 'outcomes.csv'}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_is_forgotten_leaves_by_a_pseudonym(july: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "july"
    shutil.copytree(july, warehouse, symlinks=True)
    keys = tmp_path / "keys"
    shutil.copytree(key_of(july).parent, keys)
    table = key_of(july).with_name("a.key.ids.parquet")
    try:
        gone = min(ids(warehouse))
        done = run_command(warehouse, "scripts.forget", f"CUSTOMER={gone}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert gone not in ids(warehouse)
        assert gone not in known_by(table).index
    finally:
        shutil.copy(keys / table.name, table)


def test_a_pseudonym_that_leads_nowhere_is_refused(july: Path, tmp_path: Path) -> None:
    """Registered as it is it would be nobody's: the person would be profiled, and written to, all the same."""
    warehouse, table = tmp_path / "july", Path(f"{key_of(july)}.ids.parquet")
    shutil.copytree(july, warehouse, symlinks=True)
    registers = {path.name for path in warehouse.glob("*.csv")}
    gone, other = sorted(ids(warehouse))[:2]
    kept = table.read_bytes()
    (tmp_path / "list.csv").write_text(f"customer_id\n{other}\n{gone}\n")
    asked = [
        ("scripts.forget", [f"CUSTOMER={gone}"]),
        ("scripts.build", [f"OBJECTIONS={tmp_path / 'list.csv'}"]),
        ("scripts.campaign", ["NAME=b", "SEGMENT=all", f"OPT_OUT={tmp_path / 'list.csv'}"]),
    ]
    try:
        duckdb.execute(f"copy (from '{table}' where pseudonym != '{gone}') to '{tmp_path / 'less.parquet'}'")
        shutil.copy(tmp_path / "less.parquet", table)
        for command, given in [asked[0], asked[2]]:
            done = run_command(warehouse, command, *given)
            said = " ".join((done.stdout + done.stderr).split())
            assert done.returncode == 1 and f"whose pseudonym {gone} is, {table} does not say" in said, said
        # Nobody is asked for by name, but one of the segment's customers cannot be written to.
        done = run_command(
            warehouse, "scripts.campaign", "NAME=b", "SEGMENT=all", "STRESSED=include", "CONFIRM=yes"
        )
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1 and f"does not say who {gone} is (1 customers in all)" in said, said
        assert not (warehouse / "campaigns" / "b").exists()
        # Nor does a build take the list; one without it makes the table again.
        done = run_command(warehouse, *asked[1][:1], *asked[1][1], "REBUILD=yes")
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1 and f"whose pseudonym {gone} is" in said, said
        assert {path.name for path in warehouse.glob("*.csv")} == registers
    finally:
        table.write_bytes(kept)


def test_ids_of_the_input_that_look_like_pseudonyms_are_refused(
    july: Path, ledger: Path, tmp_path: Path
) -> None:
    """A published table fed in as if it were the bank's."""
    source = tmp_path / "ledger"
    shutil.copytree(ledger, source)
    accounts = source / "accounts.csv"
    accounts.write_text(accounts.read_text().replace(f"{MARK}PARTNER", "ps-" + "0a" * 16))
    given = [f"SOURCE={source}", f"PSEUDONYM_KEY={tmp_path / 'keys' / 'b.key'}"]
    done = run_build(tmp_path / "warehouse", *given, "PSEUDONYMS=yes")
    said = " ".join((done.stdout + done.stderr).split())
    assert (
        done.returncode == 1
        and "1 of the input's customers have such an id, which looks like a pseudonym" in said
    )
    assert not (tmp_path / "warehouse" / "current").exists()


def test_with_the_table_lost_a_build_makes_it_again(july: Path) -> None:
    table = Path(f"{key_of(july)}.ids.parquet")
    kept, before = table.read_bytes(), known_by(table)
    try:
        table.unlink()
        done = run_command(july, "scripts.campaign", "NAME=c", "SEGMENT=all")
        assert done.returncode == 1 and "who is who is missing" in " ".join(
            (done.stdout + done.stderr).split()
        )
        done = run_build(july, "REBUILD=yes")
        assert done.returncode == 0, done.stdout + done.stderr
        again = known_by(table)
        assert set(ids(july)) <= set(again.index) and again.equals(before[again.index])
    finally:
        table.write_bytes(kept)


def test_pseudonyms_end_and_history_goes_on_in_clear(july: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "july"
    shutil.copytree(july, warehouse, symlinks=True)
    known = known_by(Path(f"{key_of(july)}.ids.parquet"))
    done = run_build(warehouse, "PSEUDONYMS=no", "AS_OF=2025-09-30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PSEUDONYMS=no: ids are published as the input has them" in " ".join(done.stdout.split())
    assert ids(warehouse) & set(known[sorted(ids(july))]) and not any(
        each.startswith("ps-") for each in ids(warehouse)
    )
    history = query(
        warehouse / "card_segments.duckdb", "select customer_id, valid_from from marts.segment_history"
    )
    assert not history["customer_id"].str.startswith("ps-").any() and history["valid_from"].nunique() >= 3
    # Back to a version of pseudonyms, the commands find its key.
    done = run_command(warehouse, "scripts.rollback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ids(warehouse) == ids(july)
    done = run_command(
        warehouse, "scripts.campaign", "NAME=d", "SEGMENT=all", "STRESSED=include", "CONFIRM=yes"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    targets = pd.read_csv(warehouse / "campaigns" / "d" / "targets.csv", dtype=str)
    # The sample has ids such as 007, too, without the mark.
    assert targets["customer_id"].isin(known).all()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda key: key.unlink(), "is missing"),
        (lambda key: key.write_text("0" * 64), "is another key"),
        (lambda key: key.chmod(0o640), "others may read"),
    ],
)
def test_a_build_without_the_key_changes_nothing(july: Path, damage: object, sentence: str) -> None:
    key, before = key_of(july), os.readlink(july / "current")
    text = key.read_text()
    try:
        damage(key)  # type: ignore[operator]
        for command in ("scripts.build", "scripts.campaign"):
            given = ["REBUILD=yes"] if command == "scripts.build" else ["NAME=b", "SEGMENT=all"]
            done = run_command(july, command, *given)
            said = " ".join((done.stdout + done.stderr).split())
            assert done.returncode and sentence in said and "Traceback" not in said, said
    finally:
        key.unlink(missing_ok=True)
        key.write_text(text)
        key.chmod(0o600)
    assert os.readlink(july / "current") == before


def test_a_key_is_made_outside_of_the_warehouse_for_its_owner(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    with pytest.raises(UserError, match="lies in the warehouse"):
        choose_pseudonyms("yes", str(warehouse / "versions" / "a.key"), warehouse, [], None)
    assert not list(warehouse.iterdir())
    with pytest.raises(UserError, match="say PSEUDONYMS=yes"):
        choose_pseudonyms("", str(tmp_path / "a.key"), warehouse, [], None)
    made = choose_pseudonyms("yes", str(tmp_path / "keys" / "a.key"), warehouse, [], None)
    assert made and made.path.stat().st_mode & 0o777 == 0o600
    assert made == choose_pseudonyms("1", str(made.path), warehouse, [], None)
    assert choose_pseudonyms("no", "", warehouse, [], None) is None
