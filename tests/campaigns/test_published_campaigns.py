"""Campaigns and results in what a build publishes: tables, report, workbook and dashboards, without any customer's id."""

import html
import shutil
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from scripts.outputs.metabase.questions import runnable
from scripts.outputs.report.page import write_report
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, query, run_build, run_command
from tests.support.metabase_filters import OF_CAMPAIGNS, QUESTIONS

NOTHING_TO_DO = "there is nothing to do"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two campaigns measured, of them one with two versions of an offer, one drawn, one cancelled; none is published yet."""
    folder = tmp_path_factory.mktemp("published_campaigns")
    write_sample_ledger(folder / "ledger", customers=400, seed=5, file_format="csv", months=12)
    warehouse = folder / "warehouse"
    done = run_build(warehouse, f"SOURCE={folder / 'ledger'}")
    assert done.returncode == 0, done.stdout + done.stderr
    for name, more in (("spring", []), ("summer", []), ("winter", []), ("autumn", ["ARMS=A,B"])):
        given = [f"NAME={name}", "SEGMENT=all", "STRESSED=include", "HOLDOUT=0.2", "COOL_OFF_DAYS=0", *more]
        done = run_command(warehouse, "scripts.campaign", *given, "CONFIRM=yes")
        assert done.returncode == 0, done.stdout + done.stderr
    outcomes = folder / "outcomes.csv"
    for name, every in (("spring", 2), ("spring", 4), ("autumn", 3)):
        targets = pd.read_csv(warehouse / "campaigns" / name / "targets.csv", dtype=str)
        responded = (targets["arm"] != "holdout").astype(int) * (targets.index % every == 0)
        answers = targets.assign(responded=responded.astype(int), value=responded * 100)
        answers[["customer_id", "responded", "value"]].to_csv(outcomes, index=False)
        done = run_command(warehouse, "scripts.campaign_results", f"NAME={name}", f"OUTCOMES={outcomes}")
        assert done.returncode == 0, done.stdout + done.stderr
    done = run_command(warehouse, "scripts.campaign_cancel", "NAME=winter")
    assert done.returncode == 0, done.stdout + done.stderr
    return warehouse


@pytest.fixture(scope="module")
def after(before: Path) -> Path:
    """The same input built again: what is new are the campaigns."""
    warehouse = before.parent / "after"
    shutil.copytree(before, warehouse, symlinks=True)
    done = run_command(warehouse, "scripts.build", *QUICK)
    assert done.returncode == 0 and NOTHING_TO_DO not in done.stdout, done.stdout + done.stderr
    return warehouse


def published(warehouse: Path, sql: str) -> pd.DataFrame:
    return query(warehouse / "card_segments.duckdb", sql)


def test_the_first_version_has_none(before: Path) -> None:
    for table in ("campaigns", "campaign_results"):
        assert published(before, f"from marts.{table}").empty
    report = (before / "card_segments_report.html").read_text(encoding="utf-8")
    assert 'id="campaigns"' not in report
    assert "Campaigns" not in openpyxl.load_workbook(before / "card_segments.xlsx", read_only=True).sheetnames


def test_tables_are_the_register_without_customers(after: Path) -> None:
    found = published(after, "from marts.campaigns order by campaign")
    assert found["status"].tolist() == ["measured", "measured", "drawn", "cancelled"]
    with duckdb.connect(str(after / "campaigns" / "campaigns.duckdb"), read_only=True) as connection:
        register = connection.execute("select name, treated, held_out from campaigns order by 1").fetchall()
        measured = connection.execute(
            "select measured_at, segment_name, arm, compared_with, uplift, net_value, verdict from campaign_results"
            " order by measured_at, segment_id nulls first, arm, compared_with"
        ).fetchall()
    assert list(found[["campaign", "contacted", "held_out"]].itertuples(index=False, name=None)) == register
    with duckdb.connect(str(after / "card_segments.duckdb"), read_only=True) as connection:
        results = connection.execute(
            "select measured_at, segment_name, arm, compared_with, uplift, net_value, verdict from marts.campaign_results"
            " order by measured_at, segment_id nulls first, arm, compared_with"
        ).fetchall()
        customers = connection.execute("select customer_id from marts.customer_segments").fetchall()
        texts = str(connection.execute("from marts.campaigns").fetchall()) + str(
            connection.execute("from marts.campaign_results").fetchall()
        )
    assert results == measured
    latest = published(after, "from marts.campaign_results where campaign = 'spring' and is_latest")
    assert len(latest) * 2 == len(published(after, "from marts.campaign_results where campaign = 'spring'"))
    assert latest["measured_at"].nunique() == 1
    pairs = published(
        after, "select distinct arm, compared_with from marts.campaign_results where campaign = 'autumn'"
    )
    assert set(pairs.itertuples(index=False, name=None)) == {("A", "holdout"), ("B", "holdout"), ("A", "B")}
    # One as short as 007 may be part of any number.
    assert not any(customer in texts for (customer,) in customers if len(customer) > 5)


def data_of_b(warehouse: Path) -> int:
    """Customers of one version whom the other is held against, over all segments."""
    sql = "from marts.campaign_results where segment_id is null and compared_with = 'B'"
    return int(published(warehouse, sql)["held_out"].iloc[0])


@pytest.mark.parametrize("language", ["", "id"])
def test_the_report_says_what_came_of_it(after: Path, tmp_path: Path, language: str) -> None:
    page = write_report(after / "card_segments.duckdb", tmp_path, language).read_text(encoding="utf-8")
    section = page[page.index('<section id="campaigns"') : page.index('<section id="value"')]
    whole = published(after, "from marts.campaign_results where is_latest and segment_id is null")
    assert len(whole) == 4 and all(html.escape(words, quote=False) in section for words in whole["words"])
    # Between two versions nobody is held out.
    assert section.count("A / B") > 1 and f"B: {data_of_b(after)}" in section
    for name in ("autumn", "spring", "summer", "winter"):
        assert f">{name}" in section
    assert ("not measured yet" if not language else "belum diukur") in section
    assert "nan" not in section.lower().replace("pembanding", "").replace("tanda", "")


def test_the_workbook_lists_them(after: Path) -> None:
    sheet = openpyxl.load_workbook(after / "card_segments.xlsx", read_only=True)["Campaigns"]
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] in ("spring", "summer", "winter")]
    results = published(
        after,
        "from marts.campaign_results where campaign = 'spring' and is_latest order by segment_id nulls first",
    )
    measured = [row for row in rows if row[0] == "spring"]
    assert len(rows) == len(measured) + 2
    for place, column in (
        (3, "segment_name"),
        (5, "contacted"),
        (9, "uplift"),
        (13, "net_value"),
        (16, "words"),
    ):
        found = [None if pd.isna(each) else each for each in results[column]]
        assert [row[place] for row in measured] == pytest.approx(found) if place in (9, 13) else found, column
    assert {row[2] for row in rows if row[0] != "spring"} == {"not measured yet", "cancelled"}


@pytest.mark.parametrize("key", sorted(OF_CAMPAIGNS))
def test_questions_have_answers_after_a_campaign(after: Path, key: str) -> None:
    question = QUESTIONS[key]
    rows = published(after, runnable(question))
    assert len(rows)
    if question.parameters:
        assert 0 < len(published(after, runnable(question, {"campaign": "spring"}))) <= len(rows)
        assert published(after, runnable(question, {"campaign": "nothing such"})).empty


def test_the_same_campaigns_again_are_no_work_and_another_is(after: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(after, warehouse, symlinks=True)
    given = QUICK
    assert NOTHING_TO_DO in " ".join(run_command(warehouse, "scripts.build", *given).stdout.split())
    assert run_command(warehouse, "scripts.campaign_cancel", "NAME=summer").returncode == 0
    done = run_command(warehouse, "scripts.build", *given)
    assert done.returncode == 0 and NOTHING_TO_DO not in " ".join(done.stdout.split())
    states = published(warehouse, "select status from marts.campaigns order by campaign")["status"]
    assert states.tolist() == ["measured", "measured", "cancelled", "cancelled"]
    # Nobody is told from now on, until somebody says yes again.
    done = run_command(warehouse, "scripts.build", *given, "PUBLISH_CAMPAIGNS=no")
    assert done.returncode == 0 and published(warehouse, "from marts.campaigns").empty, done.stderr
    done = run_command(warehouse, "scripts.build", *given)
    said = " ".join(done.stdout.split())
    assert (
        "PUBLISH_CAMPAIGNS is left out: campaigns are not published, as before" in said
        and NOTHING_TO_DO in said
    )
    done = run_command(warehouse, "scripts.build", *given, "PUBLISH_CAMPAIGNS=yes")
    assert done.returncode == 0 and len(published(warehouse, "from marts.campaigns")) == 4


def test_a_register_that_cannot_be_read_stops_the_build(after: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(after, warehouse, symlinks=True)
    register = warehouse / "campaigns" / "campaigns.duckdb"
    register.write_bytes(b"no database" * 1000)
    done = run_command(warehouse, "scripts.build", "REBUILD=yes")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1 and "PUBLISH_CAMPAIGNS=no builds without it" in said, said
    assert len(published(warehouse, "from marts.campaigns")) == 4
