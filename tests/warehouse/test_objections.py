"""Who objects to profiling is left alone, for good; protected traits are reported and never learned from."""

import os
import stat
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.base.errors import UserError
from scripts.base.paths import OBJECTIONS
from scripts.intake.objections import Objections, objectors
from scripts.intake.objections import update_register as update_register_of
from tests.support.builds import query, run_build


def write_list(path: Path, *ids: str, head: str = "customer_id") -> str:
    path.write_text("\n".join([head, *ids]) + "\n", encoding="utf-8")
    return str(path)


def update_register(warehouse: Path, objections: str, withdrawn: str, accept: str = "") -> Objections:
    """On a portfolio of the customers 007 and 8 to 10."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table customers as select unnest(['007', '7', '8', '9', '10']) as customer_id"
        )
        return update_register_of(warehouse, objections, withdrawn, connection, "customers", accept)


# The register


def test_a_smaller_list_brings_nobody_back(tmp_path: Path) -> None:
    update_register(tmp_path, write_list(tmp_path / "a.csv", "007", "8 ", "9"), "")
    after = update_register(tmp_path, write_list(tmp_path / "b.csv", "9", "10"), "")
    assert after.ids == ("007", "10", "8", "9")
    assert (after.added, after.kept, after.withdrawn) == (1, 2, 0)
    assert update_register(tmp_path, "", "").ids == after.ids


def test_only_a_withdrawal_takes_one_off(tmp_path: Path) -> None:
    update_register(tmp_path, write_list(tmp_path / "a.csv", "7", "8"), "")
    after = update_register(tmp_path, "", write_list(tmp_path / "b.csv", "8", "nobody"))
    assert (after.ids, after.withdrawn) == (("7",), 1)
    assert objectors(tmp_path) == ["7"]
    assert "1 of its 2 ids is not in the register of objections: nobody" in after.strangers[0]


def test_a_withdrawal_of_nobody_in_the_register_is_refused(tmp_path: Path) -> None:
    update_register(tmp_path, write_list(tmp_path / "a.csv", "007"), "")
    path = write_list(tmp_path / "b.csv", "7")
    with pytest.raises(
        UserError, match=r"none of its 1 ids is in the register of objections: 7 \(is it 007\?\)"
    ):
        update_register(tmp_path, "", path)
    assert update_register(tmp_path, "", path, "accept").ids == ("007",)


def test_who_is_in_the_register_and_no_customer_is_said_in_each_build(tmp_path: Path) -> None:
    (tmp_path / OBJECTIONS).write_text("customer_id,recorded_at\n00010,x\n8,x\ngone,x\n")
    after = update_register(tmp_path, "", "")
    assert after.strangers == (
        "register of objections: 2 of its 3 ids are not among the customers: 00010 (is it 10?), gone",
    )


def test_the_register_is_for_its_owner_alone_and_keeps_the_first_date(tmp_path: Path) -> None:
    update_register(tmp_path, write_list(tmp_path / "a.csv", "7"), "")
    first = (tmp_path / OBJECTIONS).read_text(encoding="utf-8")
    update_register(tmp_path, write_list(tmp_path / "a.csv", "7", "8"), "")
    assert first.splitlines()[1] in (tmp_path / OBJECTIONS).read_text(encoding="utf-8").splitlines()
    assert stat.S_IMODE(os.stat(tmp_path / OBJECTIONS).st_mode) == 0o600


@pytest.mark.parametrize(
    ("head", "rows", "words"),
    [
        ("customer_id", ["7", ""], None),
        ("mail", ["7"], "has no column customer_id"),
        ("customer_id,since", ["7,2026", ",2026"], "a row has an empty"),
    ],
)
def test_a_list_that_is_none_changes_nothing(
    tmp_path: Path, head: str, rows: list[str], words: str | None
) -> None:
    path = write_list(tmp_path / "a.csv", *rows, head=head)
    if words is None:
        # A blank line is no row.
        assert update_register(tmp_path, path, "").ids == ("7",)
        return
    with pytest.raises(UserError, match=words):
        update_register(tmp_path, path, "")
    assert not (tmp_path / OBJECTIONS).exists()


def test_one_in_both_lists_is_refused(tmp_path: Path) -> None:
    path = write_list(tmp_path / "a.csv", "7")
    with pytest.raises(UserError, match="7 stands in OBJECTIONS and in OBJECTIONS_WITHDRAWN"):
        update_register(tmp_path, path, path)


@pytest.mark.parametrize("damage", ["", "customer_id\n7\n", "customer_id,recorded_at\n7\n"])
def test_a_damaged_register_stops_everything(tmp_path: Path, damage: str) -> None:
    (tmp_path / OBJECTIONS).write_text(damage)
    with pytest.raises(UserError, match="the register of objections is damaged"):
        update_register(tmp_path, "", "")


# In the job


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, set[str]]:
    """Two builds of one ledger in one warehouse: 60 object before the first, a list of one before the second.

    Returns the first and the last published version and the ids of all who object. The accounts say the sex
    and age of each customer.
    """
    from scripts.sample.ledger import write_sample_ledger

    folder = tmp_path_factory.mktemp("objections")
    made = write_sample_ledger(folder / "ledger", customers=400, seed=5, file_format="csv", months=13)
    accounts = pd.read_csv(made.folder / "accounts.csv", dtype=str)
    number = accounts["customer_id"].fillna("").map(lambda text: sum(map(ord, text)))
    accounts["Sex"] = number.map(lambda n: "MF"[n % 2])
    accounts["age"] = number.map(lambda n: str(18 + n % 50))
    accounts.to_csv(made.folder / "accounts.csv", index=False)
    ids = sorted(set(accounts["customer_id"].dropna()))[10:70]
    warehouse = folder / "warehouse"
    done = run_build(
        warehouse, f"SOURCE={made.folder}", "K=4", f"OBJECTIONS={write_list(folder / 'a.csv', *ids)}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first = (warehouse / "card_segments.duckdb").resolve()
    more = [sorted(set(accounts["customer_id"].dropna()))[80]]
    done = run_build(
        warehouse, f"SOURCE={made.folder}", "K=4", f"OBJECTIONS={write_list(folder / 'b.csv', *more)}",
        "PROTECTED=sex, Age", "RETRAIN=yes",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 of them not in the list handed in; they stay" in done.stdout
    assert f"Write version {first.parent.name[:6]} anew" in done.stdout
    return first, (warehouse / "card_segments.duckdb").resolve(), {*ids, *more}


def test_objectors_have_a_status_and_nothing_else(builds: tuple[Path, Path, set[str]]) -> None:
    _, published, ids = builds
    rows = query(published, "from marts.customer_segments").set_index("customer_id")
    suppressed = rows[rows["status"] == "suppressed"]
    assert set(suppressed.index) <= ids
    assert len(suppressed) >= 0.9 * len(ids)  # some of the ledger's accounts are refused
    assert suppressed.drop(columns="status").isna().all(axis=None)
    assert (rows.loc[rows["status"] == "segmented", "segment_id"].notna()).all()


def test_objectors_are_in_no_other_table(builds: tuple[Path, Path, set[str]]) -> None:
    """No column of any other published table holds the id of one, refused input rows aside."""
    _, published, ids = builds
    tables = query(
        published,
        "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and schema_name = 'marts'",
    )
    for table, column in tables.itertuples(index=False):
        if table in ("customer_segments", "rejected_rows"):
            continue
        found = query(published, f'select distinct "{column}" as text from marts.{table}')["text"].dropna()
        assert not {word for text in found for word in text.split()} & ids, (table, column)


def test_an_objection_changes_what_is_learned(builds: tuple[Path, Path, set[str]]) -> None:
    """The model has not seen them: without the one who objected later it is another."""
    trained = query(
        builds[1], "select customers_trained_on, customers from marts.model_runs order by run_number"
    )
    assert trained["customers_trained_on"].iloc[0] == trained["customers_trained_on"].iloc[1] + 1
    suppressed = query(
        builds[1], "select count(*) as n from marts.customer_segments where status = 'suppressed'"
    )
    segmented = query(builds[1], "select count(*) as n from marts.customer_features")
    audit = query(
        builds[1], "select rows_accepted from marts.load_audit where source = 'accounts' and measure = 'rows'"
    )
    assert suppressed["n"].iloc[0] + segmented["n"].iloc[0] <= audit["rows_accepted"].iloc[0]


def test_protected_traits_are_reported_and_not_learned_from(builds: tuple[Path, Path, set[str]]) -> None:
    first, published, _ = builds
    mix = query(published, "from marts.protected_trait_mix")
    assert set(mix["trait"]) == {"sex", "age"}
    assert set(mix[mix["trait"] == "sex"]["value"]) == {"M", "F"}
    assert mix[mix["trait"] == "age"]["value"].str.fullmatch(r"\d0 to \d9").all()
    # Nobody in a small group is pointed at.
    assert mix["customers"].dropna().min() >= 10
    shares = mix.dropna(subset="customers")
    assert (shares["share_of_segment"] / shares["share_of_portfolio"]).to_numpy() == pytest.approx(
        shares["representation_ratio"].to_numpy()
    )
    # Not named, not there; and never a feature or a parameter of a model.
    assert query(first, "from marts.protected_trait_mix").empty
    assert not set(query(published, "from marts.model_parameters")["feature"]) & {"sex", "age"}
    assert not set(query(published, "from marts.customer_features").columns) & {"sex", "age", "Sex"}


def test_a_trait_the_input_has_not_is_refused(tmp_path: Path, sample_build: Path) -> None:
    source = sample_build.parent.parent / "ledger"
    done = run_build(tmp_path / "warehouse", f"SOURCE={source}", "PROTECTED=sex")
    assert done.returncode == 1
    assert "PROTECTED=sex: accounts has no such column beside those the job needs" in done.stderr
    assert "Traceback" not in done.stderr
