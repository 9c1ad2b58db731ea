"""The life of a segmentation: a model that labels month after month, new models, segments that keep their ids, who moved."""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from scripts.outputs.metabase.questions import runnable
from scripts.published.look import SERIES
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import REPO, query, run_build, run_command
from tests.support.metabase_filters import OF_TWO_MONTHS, QUESTIONS

# A whole learning would be of no use here, but nobody says what the model is to be.
SMALL = ("AUTOENCODERS=", "BOOTSTRAPS=5", "CANDIDATES_K_MAX=6")


def build(warehouse: Path, *given: str) -> subprocess.CompletedProcess[str]:
    done = run_build(warehouse, *SMALL, *given, whole=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def published(warehouse: Path, sql: str) -> pd.DataFrame:
    return query(warehouse / "card_segments.duckdb", sql)


def copy_of(warehouse: Path, to: Path) -> Path:
    shutil.copytree(warehouse, to, symlinks=True)
    return to


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life") / "ledger"
    write_sample_ledger(folder, customers=600, seed=3, file_format="csv", months=18)
    return folder


@pytest.fixture(scope="module")
def june(ledger: Path) -> Path:
    """A warehouse with a first model."""
    warehouse = ledger.parent / "june"
    build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-06-30")
    return warehouse


@pytest.fixture(scope="module")
def july(june: Path) -> Path:
    warehouse = copy_of(june, june.parent / "july")
    build(warehouse, "AS_OF=2025-07-31")
    return warehouse


@pytest.fixture(scope="module")
def august(july: Path) -> Path:
    """A month in which somebody asks for another number of segments."""
    warehouse = copy_of(july, july.parent / "august")
    build(warehouse, "AS_OF=2025-08-31", "K=3")
    return warehouse


def test_the_first_build_learns_and_numbers_by_size(june: Path) -> None:
    runs = published(june, "select is_learned, decision from marts.model_runs")
    assert runs.is_learned.tolist() == [True]
    assert runs.decision[0].endswith("since there is no model yet: the first model")
    sizes = published(june, "select segment_id, customers from marts.segment_profiles order by segment_id")
    assert sizes.segment_id.tolist() == list(range(1, len(sizes) + 1))
    assert sizes.customers.is_monotonic_decreasing


def test_the_next_month_is_labelled_by_the_same_model(june: Path, july: Path) -> None:
    runs = published(july, "select model_id, is_learned, decision from marts.model_runs order by run_number")
    assert runs.is_learned.tolist() == [True, False]
    assert runs.model_id[0] == runs.model_id[1]
    assert runs.decision[1].startswith(f"labelled with model {runs.model_id[0]}, learned 20")
    for table in ("model_parameters", "elbow_curve", "model_candidates", "pca_components"):
        before, after = (published(folder, f"from marts.{table} order by all") for folder in (june, july))
        pd.testing.assert_frame_equal(before, after)
    names = "select segment_id, segment_name from marts.segment_profiles order by 1"
    pd.testing.assert_frame_equal(published(june, names), published(july, names))


def test_labels_of_a_build_that_labels_are_those_of_one_that_learns(june: Path, tmp_path: Path) -> None:
    """The same input, the same labels, to the bit."""
    again = copy_of(june, tmp_path / "again")
    done = build(again, "AS_OF=2025-06-30")
    assert "labelled with model" in done.stdout
    columns = "customer_id, segment_id, distance_to_centroid, confidence, pca_1, pca_2, model_id"
    sql = f"select {columns} from marts.customer_segments order by customer_id"
    pd.testing.assert_frame_equal(published(june, sql), published(again, sql))


def test_a_build_that_labels_imports_nothing_that_learns(june: Path, tmp_path: Path) -> None:
    import os
    import sys

    code = (
        "import sys; from scripts.build import main; code = main(sys.argv[1:]);"
        " print({'tensorflow', 'keras', 'sklearn'} & set(sys.modules)); sys.exit(code)"
    )
    warehouse = copy_of(june, tmp_path / "labels")
    done = subprocess.run(
        [sys.executable, "-c", code, "AS_OF=2025-07-31"], capture_output=True, text=True, timeout=600,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_history_has_every_customer_of_each_month_once(june: Path, july: Path) -> None:
    for warehouse, month in ((june, "2025-06-30"), (july, "2025-06-30"), (july, "2025-07-31")):
        sql = (
            "select customer_id, segment_id from marts.segment_history"
            f" where valid_from <= date '{month}' and coalesce(valid_to > date '{month}', true) order by customer_id"
        )
        of_month = june if month == "2025-06-30" else july
        labels = "select customer_id, segment_id from marts.customer_segments order by customer_id"
        pd.testing.assert_frame_equal(published(warehouse, sql), published(of_month, labels))


def test_migration_counts_what_the_labels_of_both_months_say(june: Path, july: Path) -> None:
    before = published(june, "select customer_id, segment_id, value_base from marts.customer_values")
    after = published(july, "select customer_id, segment_id, value_base from marts.customer_values")
    both = before.merge(after, on="customer_id", how="outer", suffixes=("_before", "_after"))
    flows = published(july, "from marts.segment_migration")
    assert flows.as_of_before.astype(str).unique().tolist() == ["2025-06-30"]
    assert flows.customers.sum() == len(both)
    for flow in flows.itertuples():
        here = both[
            (both.segment_id_before.isna() if pd.isna(flow.from_segment_id) else both.segment_id_before == flow.from_segment_id)
            & (both.segment_id_after.isna() if pd.isna(flow.to_segment_id) else both.segment_id_after == flow.to_segment_id)
        ]  # fmt: skip
        assert len(here) == flow.customers
        if not pd.isna(flow.from_segment_id):
            of_segment = (both.segment_id_before == flow.from_segment_id).sum()
            assert flow.share_of_from == pytest.approx(len(here) / of_segment)
            assert flow.value_before == pytest.approx(here.value_base_before.mean())
        if not pd.isna(flow.to_segment_id):
            assert flow.value_after == pytest.approx(here.value_base_after.mean())
    assert set(flows.cause) <= {"stayed", "behaviour", "joined", "left"}


def test_movements_say_what_changed_in_the_features_of_both_months(june: Path, july: Path) -> None:
    moved = published(july, "from marts.customer_movements")
    assert len(moved) > 5
    assert moved.what_changed.notna().all()
    names = dict(
        published(july, "select substr(key, 9), text from marts.words where key like 'feature.%'").values
    )
    before, after = (
        published(folder, "from marts.customer_features").set_index("customer_id") for folder in (june, july)
    )
    by_name = {text: name for name, text in names.items()}
    for row in moved.itertuples():
        for change in row.what_changed.split("; "):
            name = next(
                feature for text, feature in by_name.items() if change.startswith(f"{text} ") and
                not any(other != text and other.startswith(text) and change.startswith(f"{other} ") for other in by_name)
            )  # fmt: skip
            assert before.loc[row.customer_id, name] != after.loc[row.customer_id, name], change


def test_a_month_that_is_built_again_is_compared_with_the_month_before_again(
    july: Path, tmp_path: Path
) -> None:
    again = copy_of(july, tmp_path / "again")
    build(again, "AS_OF=2025-07-31")
    for table in ("segment_history", "segment_migration", "customer_movements", "segment_registry"):
        first, second = (published(folder, f"from marts.{table} order by all") for folder in (july, again))
        pd.testing.assert_frame_equal(first, second)


def test_an_older_input_is_refused_unless_it_is_meant(july: Path, tmp_path: Path) -> None:
    """Last year's file as this month's: the customers are the same, so nothing else would notice."""
    warehouse = copy_of(july, tmp_path / "warehouse")
    old = tmp_path / "old"
    write_sample_ledger(old, customers=600, seed=3, file_format="csv", months=18)
    for table, column in (("transactions", "posted_on"), ("statements", "statement_on")):
        file = next(old.glob(f"{table}*"))
        rows = pd.read_csv(file, dtype=str, on_bad_lines="skip", keep_default_na=False)
        rows[rows[column] < "2025-06-01"].to_csv(file, index=False)
    before = (warehouse / "current").readlink()
    done = run_build(warehouse, *SMALL, f"SOURCE={old}", "MIN_KEPT_SHARE=0", whole=True)
    assert done.returncode == 1, done.stdout
    assert "The input is of 2025-05-31, and what is published is of 2025-07-31" in done.stderr
    assert (warehouse / "current").readlink() == before
    build(warehouse, f"SOURCE={old}", "MIN_KEPT_SHARE=0", "AS_OF=2025-05-31")


HEAD = (
    "CUST_ID,BALANCE,BALANCE_FREQUENCY,PURCHASES,ONEOFF_PURCHASES,INSTALLMENTS_PURCHASES,CASH_ADVANCE,"
    "PURCHASES_FREQUENCY,ONEOFF_PURCHASES_FREQUENCY,PURCHASES_INSTALLMENTS_FREQUENCY,CASH_ADVANCE_FREQUENCY,"
    "CASH_ADVANCE_TRX,PURCHASES_TRX,CREDIT_LIMIT,PAYMENTS,MINIMUM_PAYMENTS,PRC_FULL_PAYMENT,TENURE"
)


def write_summary(path: Path, buyers: int, limit: str = "5000") -> str:
    """80 customers, of whom the first so many buy and pay in full, while the others hardly use their card."""
    rows = []
    for n in range(80):
        if n < buyers:
            rows.append(
                f"C{n:02},{50 + n},1,{900 + n},{900 + n},0,0,1,1,0,0,0,{20 + n},{limit},{900 + n},20,1,12"
            )
        else:
            rows.append(f"C{n:02},{n + 1},1,0,0,0,0,0,0,0,0,0,0,{limit},{10 + n},5,0,12")
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return f"SOURCE={path}"


def test_the_months_of_a_summary_are_those_that_it_is_told(tmp_path: Path) -> None:
    for month, buyers in (("2026-01-31", 40), ("2026-02-28", 38)):
        build(tmp_path / "w", write_summary(tmp_path / "cards.csv", buyers), f"AS_OF={month}")
    moved = published(tmp_path / "w", "select * from marts.customer_movements order by customer_id")
    assert moved.customer_id.tolist() == ["C38", "C39"]
    assert moved.what_changed.str.contains("purchases").all()
    history = published(
        tmp_path / "w", "select * from marts.segment_history where customer_id = 'C38' order by valid_from"
    )
    assert history.valid_from.astype(str).tolist() == ["2026-01-31", "2026-02-28"]
    assert str(history.valid_to[0])[:10] == "2026-02-28" and pd.isna(history.valid_to[1])


def test_a_feature_that_is_no_longer_known_asks_for_another_model(tmp_path: Path) -> None:
    """And that of before cannot be promoted: it would label by what it fills in."""
    warehouse = tmp_path / "w"
    build(warehouse, write_summary(tmp_path / "cards.csv", 40), "AS_OF=2026-01-31")
    labels = "select customer_id, segment_id from marts.customer_segments order by 1"
    before = published(warehouse, labels)
    done = build(
        warehouse, write_summary(tmp_path / "cards.csv", 40, limit=""), "AS_OF=2026-02-28", "MIN_KEPT_SHARE=0"
    )
    assert "since the known features are others than those of model m" in done.stdout
    assert "(unknown were none, now credit_limit)" in done.stdout
    models = published(warehouse, "select model_id, status from marts.models").set_index("status").model_id
    done = run_command(
        warehouse, "scripts.promote", f"MODEL={models['retired']}", "AS_OF=2026-02-28", "MIN_KEPT_SHARE=0"
    )
    assert done.returncode == 1
    assert f"MODEL={models['retired']}: was learned with other features than the input knows" in done.stderr
    # Everybody had the same limit: the new model finds the same segments, and they keep their ids.
    pd.testing.assert_frame_equal(before, published(warehouse, labels))


def test_going_back_to_an_earlier_month_undoes_what_came_after(
    june: Path, july: Path, tmp_path: Path
) -> None:
    again = copy_of(july, tmp_path / "again")
    build(again, "AS_OF=2025-06-30")
    sql = "from marts.segment_history order by all"
    pd.testing.assert_frame_equal(published(june, sql), published(again, sql))
    assert len(published(again, "from marts.segment_migration")) == 0


def test_what_a_person_asks_for_comes_into_use_and_segments_keep_their_ids(july: Path, august: Path) -> None:
    runs = published(august, "select * from marts.model_runs order by run_number")
    assert "since K=3 was given where the model in use has K=" in runs.decision.iloc[-1]
    models = published(august, "from marts.models order by learned_at")
    assert models.status.tolist() == ["retired", "champion"]
    assert models.k.iloc[-1] == 3
    registry = published(august, "from marts.segment_registry order by segment_id")
    ids = set(published(july, "select segment_id from marts.segment_profiles").segment_id)
    now = set(published(august, "select segment_id from marts.segment_profiles").segment_id)
    assert set(registry.segment_id) == ids | now
    assert set(registry[registry.retired_on.isna()].segment_id) == now
    assert min(now - ids, default=99) > max(ids), "an id is never given again"
    assert registry[registry.retired_on.isna()].colour.is_unique


def test_lineage_adds_up_and_says_what_became_of_each_segment(august: Path) -> None:
    lineage = published(august, "from marts.segment_lineage")
    pairs = lineage[lineage.from_segment_id.notna() & lineage.to_segment_id.notna()]
    customers = len(published(august, "from marts.customer_features"))
    assert pairs.customers.sum() == customers
    for shares, segment in (("share_of_from", "from_segment_id"), ("share_of_to", "to_segment_id")):
        assert pairs.groupby(segment)[shares].sum().round(9).eq(1).all()
    assert ((pairs.from_segment_id == pairs.to_segment_id) == pairs.what.isin(["kept", "renamed"])).all()
    registry = published(august, "from marts.segment_registry")
    assert set(lineage[lineage.what == "retired"].from_segment_id) == set(
        registry[registry.retired_on.notna()].segment_id
    )


def test_who_is_moved_by_the_new_model_alone_did_not_move(july: Path, august: Path) -> None:
    """As many as both models label differently though the model before would have left them where they were."""
    moved = published(august, "from marts.customer_movements")
    assert {"model", "behaviour"} >= set(moved.cause)
    by_model = moved[moved.cause == "model"]
    assert len(by_model) > 0
    assert by_model.movement.isna().all()
    flows = published(august, "from marts.segment_migration where as_of_date = date '2025-08-31'")
    assert flows[flows.cause == "model"].customers.sum() == len(by_model)
    assert flows[flows.cause == "model"].flow.str.endswith(" (model)").all()


def test_a_new_model_that_moves_too_many_stays_a_challenger_until_it_is_promoted(
    july: Path, tmp_path: Path
) -> None:
    warehouse = copy_of(july, tmp_path / "warehouse")
    before = published(warehouse, "select model_id from marts.models").model_id[0]
    done = build(warehouse, "AS_OF=2025-07-31", "SEED=7", "MAX_RELABELLED=0", "MIN_OVERLAP=0.99")
    assert f"labelled with model {before}; learned challenger m" in done.stdout
    assert "more than MAX_RELABELLED=0" in done.stdout
    models = published(warehouse, "select model_id, status, relabelled_share from marts.models").set_index(
        "status"
    )
    assert models.model_id["champion"] == before
    challenger = models.model_id["challenger"]
    assert models.relabelled_share["challenger"] > 0
    listed = run_command(warehouse, "scripts.models").stdout
    assert f"make promote MODEL={challenger} puts it in use" in listed
    done = run_command(warehouse, "scripts.promote", f"MODEL={challenger}", "AS_OF=2025-07-31")
    assert done.returncode == 0, done.stderr
    assert f"labelled with model {challenger}, which was promoted" in done.stdout
    assert set(published(warehouse, "select model_id from marts.customer_segments").model_id) == {challenger}
    new = published(warehouse, "select segment_id from marts.segment_profiles").segment_id
    assert new.max() > len(published(july, "from marts.segment_profiles"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["MODEL=m000000000000"], "MODEL=m000000000000: no such model; make models lists them: m"),
        ([], "MODEL is missing"),
        (["MODEL={model}"], "MODEL={model}: is in use already"),
        (["MODEL={model}", "K=4"], "K: asks for a new model, but MODEL={model} is to come into use"),
    ],
)
def test_a_promotion_that_cannot_be(july: Path, tmp_path: Path, given: list[str], sentence: str) -> None:
    july = copy_of(july, tmp_path / "warehouse")
    model = published(july, "select model_id from marts.models").model_id[0]
    before = (july / "current").readlink()
    done = run_command(july, "scripts.promote", *[each.format(model=model) for each in given])
    assert done.returncode == 1
    assert sentence.format(model=model) in done.stderr
    assert (july / "current").readlink() == before


def test_drift_is_told_where_the_month_is_another_than_the_sample(june: Path, tmp_path: Path) -> None:
    """Nothing drifts from the sample to itself; with every amount doubled the features of money do."""
    drift = published(june, "from marts.segment_drift")
    assert set(drift.alarm) == {"fine"}
    own = drift[drift.measure.isin(["feature", "segments", "distance", "border"])]
    assert own.drift.abs().max() < 1e-9
    warehouse = copy_of(june, tmp_path / "warehouse")
    source = Path(published(warehouse, "select input_path from marts.model_runs").input_path[0])
    dear = shutil.copytree(source, tmp_path / "dear")
    for table, columns in (
        ("transactions", ["amount"]),
        ("statements", ["closing_balance", "average_daily_balance"]),
    ):
        file = next(dear.glob(f"{table}*"))
        rows = pd.read_csv(file, dtype=str, on_bad_lines="skip", keep_default_na=False)
        for column in columns:
            numbers = pd.to_numeric(rows[column], errors="coerce")
            rows[column] = rows[column].where(numbers.isna(), (numbers * 2).astype(str))
        rows.to_csv(file, index=False)
    done = build(warehouse, f"SOURCE={dear}", "AS_OF=2025-07-31")
    drift = published(warehouse, "from marts.segment_drift").set_index(["measure", "part"])
    assert drift.alarm["feature", "balance"] == "act"
    assert drift.alarm["feature", "balance_frequency"] == "fine"
    assert "drift, act: balance: customers are spread otherwise" in done.stdout
    assert "make retrain is recommended" in done.stdout
    status = run_command(warehouse, "scripts.status")
    assert status.returncode == 5 and "act: balance" in status.stdout


def test_status_is_a_screen_or_json(july: Path) -> None:
    done = run_command(july, "scripts.status")
    assert done.returncode in (0, 4) and done.stderr == ""
    assert len(done.stdout.splitlines()) < 25
    facts = json.loads(run_command(july, "scripts.status", "FORMAT=json").stdout)
    assert facts["as_of_date"] == "2025-07-31" and facts["customers"] == len(
        published(july, "from marts.customer_features")
    )
    assert [each["in_use"] for each in facts["versions"]] == [False, True]
    assert facts["last_build"]["exit_code"] == 0
    assert facts["alarm"] == {0: "fine", 4: "watch"}[done.returncode]
    done = run_command(july, "scripts.status", "FORMAT=xml")
    assert done.returncode == 1 and "FORMAT=xml: expected json" in done.stderr


def test_a_rollback_takes_the_model_along_and_is_no_toggle(august: Path, tmp_path: Path) -> None:
    warehouse = copy_of(august, tmp_path / "warehouse")
    names = sorted(path.name for path in (warehouse / "versions").iterdir())
    done = run_command(warehouse, "scripts.rollback")
    assert done.returncode == 0, done.stderr
    assert f"version {names[1]} is in use again" in done.stdout and f"{names[2]} stays in" in done.stdout
    assert (
        published(warehouse, "select max(as_of_date)::varchar as m from marts.model_runs").m[0]
        == "2025-07-31"
    )
    assert f"{names[1]}/" in str((warehouse / "card_segments_report.html").resolve())
    done = run_command(warehouse, "scripts.rollback")
    assert f"version {names[0]} is in use again" in done.stdout
    done = run_command(warehouse, "scripts.rollback")
    assert done.returncode == 1 and "nothing was published before it" in done.stderr
    for given, sentence in (("1", "is in use already"), ("9", "no such version is kept; kept are 000002-")):
        done = run_command(warehouse, "scripts.rollback", f"VERSION={given}")
        assert done.returncode == 1 and sentence in done.stderr
    assert run_command(warehouse, "scripts.rollback", "VERSION=2").returncode == 0
    # The next build goes on from there, with the model of then, and the one after it goes back there.
    done = build(warehouse, "AS_OF=2025-08-31")
    assert "labelled with model" in done.stdout
    months = published(
        warehouse, "select distinct as_of_date::varchar as m from marts.segment_migration order by 1"
    ).m
    assert months.tolist() == ["2025-07-31", "2025-08-31"]
    assert f"version {names[1]} is in use again" in run_command(warehouse, "scripts.rollback").stdout


def test_the_report_opens_with_what_changed(june: Path, august: Path) -> None:
    first, later = (
        (folder / "card_segments_report.html").read_text(encoding="utf-8") for folder in (june, august)
    )
    assert 'id="changes"' not in first and 'id="since"' not in first
    opening = later[later.index('<p id="since"') : later.index('<section id="glance"')]
    section = later[later.index('<section id="changes"') : later.index('<section id="value"')]
    assert "From 2025-07-31 to 2025-08-31" in section
    moved = published(
        august, "select count(*) as n from marts.customer_movements where cause = 'behaviour'"
    ).n[0]
    assert "From 2025-07-31 to 2025-08-31" in opening
    assert f"{moved} customers are in another segment than the month before" in opening
    retired = published(
        august, "select name_before from marts.segment_lineage where what = 'retired'"
    ).name_before
    assert all(f"The segment {name} has ended" in opening for name in retired)
    assert section.count("<svg") == 2, "who went where, and sizes over three months"


def test_the_workbook_lists_the_movements_from_the_second_month_on(june: Path, july: Path) -> None:
    first, later = (openpyxl.load_workbook(folder / "card_segments.xlsx") for folder in (june, july))
    assert "Movements" not in first.sheetnames
    rows = [row for row in later["Movements"].iter_rows(values_only=True) if isinstance(row[3], int)]
    flows = published(july, "from marts.segment_migration")
    assert len(rows) == len(flows) and sum(row[3] for row in rows) == flows.customers.sum()
    plays = set(published(july, "select play from marts.customer_movements where play is not null").play)
    assert {row[8] for row in rows if row[8]} == plays


@pytest.mark.parametrize("key", sorted(OF_TWO_MONTHS))
def test_questions_on_migration_have_answers_from_the_second_month_on(july: Path, key: str) -> None:
    question = QUESTIONS[key]
    rows = published(july, runnable(question))
    assert len(rows) > 0
    if "segment" in [each.name for each in question.parameters]:
        nobody = published(july, runnable(question, {"segment": "nothing such"}))
        assert len(nobody) == 0


def test_a_segment_has_the_same_colour_in_every_month(july: Path, august: Path) -> None:
    found: dict[int, int] = {}
    for warehouse in (july, august):
        registry = published(warehouse, "select * from marts.segment_registry where retired_on is null")
        assert registry.colour.is_unique
        page = (warehouse / "card_segments_report.html").read_text(encoding="utf-8")
        for row in registry.itertuples():
            assert found.setdefault(row.segment_id, row.colour) == row.colour
            assert f"--mark: {SERIES[row.colour]}" in page


def test_a_name_that_fits_no_longer_stays_until_it_is_asked_for(june: Path, tmp_path: Path) -> None:
    """The bank changes what an archetype is: segments keep their names, and drift says which fit no longer."""
    project = tmp_path / "copy"
    for folder in ("dbt_project", "python_models", "scripts"):
        shutil.copytree(
            REPO / folder, project / folder, ignore=shutil.ignore_patterns("target", "__pycache__")
        )
    warehouse = copy_of(june, tmp_path / "warehouse")
    before = published(
        june, "select segment_id, archetype, segment_name from marts.segment_profiles order by 1"
    )
    archetype = before.archetype[0]
    conditions = project / "dbt_project" / "seeds" / "archetype_conditions.csv"
    with conditions.open("a", encoding="utf-8") as file:
        file.write(f"{archetype},credit_limit,mean,1000000000,,nobody has such a limit\n")
    done = run_command(warehouse, "scripts.build", *SMALL, "AS_OF=2025-07-31", cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"drift, watch: The segment {before.segment_name[0]} fits its name no longer" in done.stdout
    after = published(
        warehouse, "select segment_id, archetype, segment_name from marts.segment_profiles order by 1"
    )
    pd.testing.assert_frame_equal(before, after)
    assert not published(
        warehouse, "select name_fits from marts.segment_registry order by segment_id"
    ).name_fits[0]
    done = run_command(warehouse, "scripts.build", *SMALL, "AS_OF=2025-07-31", "RENAME=yes", cwd=project)
    assert done.returncode == 0, done.stderr
    renamed = published(
        warehouse, "select archetype from marts.segment_profiles order by segment_id"
    ).archetype
    assert renamed[0] != archetype


def test_a_model_of_a_portfolio_goes_with_it(july: Path, tmp_path: Path) -> None:
    """NEW_SOURCE: another portfolio has other segments, which begin at 1, and no history."""
    warehouse = copy_of(july, tmp_path / "warehouse")
    other = tmp_path / "other"
    write_sample_ledger(other, customers=400, seed=9, file_format="csv", months=18)
    done = build(warehouse, f"SOURCE={other}", "NEW_SOURCE=yes")
    assert "since there is no model yet" in done.stdout
    assert len(published(warehouse, "from marts.models")) == 1
    assert (
        published(warehouse, "select count(*) as n from marts.segment_history where valid_to is not null").n[
            0
        ]
        == 0
    )


@pytest.mark.parametrize("damage", ["lost", "broken"])
def test_nothing_is_lost_with_the_work_file(july: Path, tmp_path: Path, damage: str) -> None:
    warehouse = copy_of(july, tmp_path / "warehouse")
    work = warehouse / "work.duckdb"
    work.unlink()
    if damage == "broken":
        work.write_bytes(b"neither a database nor anything else")
    done = build(warehouse, "AS_OF=2025-08-31")
    assert "labelled with model" in done.stdout
    assert len(published(warehouse, "select distinct as_of_date from marts.segment_migration")) == 2


def test_state_that_cannot_be_read_is_taken_from_the_version_before(july: Path, tmp_path: Path) -> None:
    warehouse = copy_of(july, tmp_path / "warehouse")
    models = (warehouse / "current").resolve() / "state" / "models.parquet"
    models.chmod(0o600)
    models.write_bytes(b"no Parquet")
    done = build(warehouse, "AS_OF=2025-08-31")
    assert "its models and history cannot be read" in done.stdout
    assert "labelled with model" in done.stdout
    migration = published(warehouse, "select distinct as_of_before from marts.segment_migration")
    assert migration.as_of_before.astype(str).tolist() == ["2025-06-30"]


def test_a_warehouse_of_the_release_at_216f3ca_goes_on(tmp_path: Path) -> None:
    """Made there from a ledger of 300 generated customers with K=4; tables that nothing takes over are left out."""
    warehouse = tmp_path / "warehouse"
    with tarfile.open(Path(__file__).parent / "published_by_216f3ca.tar.xz") as archive:
        archive.extractall(warehouse, filter="data")
    old = next(warehouse.glob("versions/*.duckdb"))
    before = query(old, "select customer_id, segment_id from marts.customer_segments order by 1")
    write_sample_ledger(tmp_path / "ledger", customers=300, seed=1, file_format="csv", months=18)
    done = run_build(warehouse, f"SOURCE={tmp_path / 'ledger'}")
    assert done.returncode == 0, done.stderr
    assert (
        "since an earlier release learned model me7a9c06df670 and kept less of it: 0.0% of the customers"
        in done.stdout
    )
    after = published(warehouse, "select customer_id, segment_id from marts.customer_segments order by 1")
    pd.testing.assert_frame_equal(before, after)
    runs = published(warehouse, "select run_number, as_of_date, is_learned from marts.model_runs order by 1")
    assert runs.run_number.tolist() == [1, 2]
    assert runs.as_of_date.astype(str).tolist() == ["2025-12-31", "2025-12-31"]
    assert published(warehouse, "select status from marts.models order by 1").status.tolist() == [
        "champion",
        "retired",
    ]


def test_who_objects_is_in_no_table_of_the_past(july: Path, tmp_path: Path) -> None:
    warehouse = copy_of(july, tmp_path / "warehouse")
    moved = published(warehouse, "select customer_id from marts.customer_movements order by 1").customer_id[0]
    (tmp_path / "objections.csv").write_text(f"customer_id\n{moved}\n")
    build(warehouse, "AS_OF=2025-08-31", f"OBJECTIONS={tmp_path / 'objections.csv'}")
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        for table in ("segment_history", "customer_movements", "customer_features", "customer_values"):
            found = connection.execute(
                f"select count(*) from marts.{table} where customer_id = ?", [moved]
            ).fetchall()
            assert found == [(0,)], table
