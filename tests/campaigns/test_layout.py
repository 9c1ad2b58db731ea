"""make campaign: lists as the tools that send want them, and ids that no spreadsheet computes."""

import csv
import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.base.paths import CAMPAIGNS
from scripts.campaign import main
from scripts.campaigns.draw import draw_campaign, plan_campaign
from scripts.campaigns.layout import ListLayout, layout_of, read_columns
from scripts.campaigns.plan import CampaignPlan, summary
from scripts.campaigns.register import REGISTER
from scripts.campaigns.results import measure_campaign
from scripts.campaigns.settings import read_settings
from scripts.campaigns.taking_out import take_out_of_campaigns
from tests.support.campaigning import publish_customers

NOW = dt.datetime(2026, 3, 1)
# Ids that a spreadsheet would compute, each in segment 3.
COMPUTED = ("=SUM(0)", "+1", "-2", "@a")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    folder = tmp_path / "warehouse"
    publish_customers(folder)
    for place, customer in enumerate(COMPUTED[1:], 1):
        rename(folder, f"0300{place:02}", customer)
    return folder


def rename(warehouse: Path, before: str, after: str) -> None:
    with duckdb.connect(str(warehouse / "card_segments.duckdb")) as connection:
        for table in ("customer_segments", "customer_values", "customer_features"):
            connection.execute(
                f"update marts.{table} set customer_id = ? where customer_id = ?", [after, before]
            )


def call_segment(warehouse: Path, segment: int, name: str) -> None:
    with duckdb.connect(str(warehouse / "card_segments.duckdb")) as connection:
        for table in ("customer_segments", "segment_profiles"):
            connection.execute(
                f"update marts.{table} set segment_name = ? where segment_id = ?", [name, segment]
            )


def draw(warehouse: Path, *arguments: str) -> CampaignPlan:
    return draw_campaign(read_settings(["NAME=a", *arguments]), warehouse, NOW)


def rows(path: Path, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def targets(plan: CampaignPlan) -> list[dict[str, str]]:
    with (plan.folder / "targets.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_columns_are_those_that_are_asked_for(warehouse: Path) -> None:
    plan = draw(warehouse, "SEGMENT=1,3", "COLUMNS=campaign, channel = Kanal,customer_id=Cust ID ,segment_id")
    head, *mailed = rows(plan.folder / "mailing.csv")
    assert head == ["campaign", "Kanal", "Cust ID", "segment_id"]
    channels = {"1": "digital", "3": ""}
    assert mailed == [
        ["a", channels[row["segment_id"]], row["customer_id"], row["segment_id"]]
        for row in sorted(targets(plan), key=lambda row: row["customer_id"])
        if row["arm"] == "treatment"
    ]
    assert list(targets(plan)[0]) == [
        "customer_id", "segment_id", "segment_name", "value_band", "arm", "value_base"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["COLUMNS=customer_id,age"], "there is no age; there are customer_id, segment_id"),
        (["COLUMNS=customer_id,"], "there is no name; there are"),
        (["COLUMNS=segment_id"], "has no customer_id, so that nobody could tell who is meant; add it"),
        (["COLUMNS=customer_id", "ARMS=A,B"], "has no arm, so that nobody could tell who gets which version"),
        (["COLUMNS=customer_id=Id,segment_id=ID"], "two columns are called id; name one otherwise"),
        (["COLUMNS=customer_id="], "nothing is no heading; expected up to 100 characters"),
        (["COLUMNS=customer_id==1+1"], "=1.1 is no heading"),
        (["COLUMNS=customer_id=a\nb"], "is no heading"),
        (["COLUMNS=customer_id=" + "x" * 5000], "is no heading"),
        (["COLUMNS=customer_id=\u0130d", "ENCODING=cp1252"], "has no \u0130, which is in the heading \u0130d; choose utf-8"),
        (["ENCODING=utf-7"], "ENCODING=utf-7: expected utf-8 or utf-8-sig or latin-1 or cp1252"),
        (["BY_CHANNEL=no"], "BY_CHANNEL=no: expected yes, or nothing"),
        (["SPREADSHEET_SAFE=1"], "SPREADSHEET_SAFE=1: expected yes, or nothing"),
    ],
)  # fmt: skip
def test_a_layout_that_is_none(given: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words) as refusal:
        read_settings(["NAME=a", "SEGMENT=1", *given])
    assert len(str(refusal.value)) < 400 and str(refusal.value).isprintable()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_a_mailing_has_its_encoding(warehouse: Path, encoding: str) -> None:
    call_segment(warehouse, 1, "K\u00e4ufer")
    plan = draw(
        warehouse, "SEGMENT=1", "COLUMNS=customer_id,segment_name=Gr\u00f6\u00dfe", f"ENCODING={encoding}"
    )
    head, *mailed = rows(plan.folder / "mailing.csv", encoding)
    assert head == ["customer_id", "Gr\u00f6\u00dfe"] and {row[1] for row in mailed} == {"K\u00e4ufer"}
    content = (plan.folder / "mailing.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    assert (b"\xc3\xa4" in content) == encoding.startswith("utf-8")
    assert targets(plan)[0]["segment_name"] == "K\u00e4ufer"


def test_a_character_that_the_encoding_lacks_stops_plan_and_lists(warehouse: Path) -> None:
    call_segment(warehouse, 2, "Saver \u2013 \u20ac")
    given = ["NAME=a", "SEGMENT=2", "COLUMNS=customer_id,segment_name", "ENCODING=latin-1"]
    words = (
        "ENCODING=latin-1: has no \u2013, which is in segment_name Saver \u2013 \u20ac; leave the column out"
    )
    for command in (plan_campaign, draw_campaign):
        with pytest.raises(UserError, match=words):
            command(read_settings(given), warehouse, NOW)
    assert [path.name for path in (warehouse / CAMPAIGNS).iterdir()] == [REGISTER]
    # Windows' has both; and a column that is not asked for is in nobody's way.
    plan_campaign(read_settings([*given, "ENCODING=cp1252"]), warehouse, NOW)
    draw_campaign(read_settings([*given, "COLUMNS=customer_id"]), warehouse, NOW)


def test_a_mailing_for_each_channel(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(warehouse))
    given = ["NAME=a", "SEGMENT=all", "ARMS=A,B", "BY_CHANNEL=yes"]
    plan = plan_campaign(read_settings(given), warehouse, NOW)
    assert main([*given, "CONFIRM=yes"]) == 0
    printed = capsys.readouterr().out
    assert "Mail to mailing_digital.csv, mailing_letter.csv, mailing_other.csv in " in printed
    assert "no play says how =1+1 is reached; its customers stand in mailing_other.csv" in printed
    assert sorted(path.name for path in plan.folder.iterdir()) == [
        "mailing_digital.csv", "mailing_letter.csv", "mailing_other.csv", "targets.csv", "targets.xlsx"
    ]  # fmt: skip
    assert sum(plan.channels.values()) == plan.treated
    assert dict(summary(plan, read_settings(given), NOW))["  by letter"] == str(plan.channels["letter"])
    for channel, segment in (("digital", "1"), ("letter", "2"), ("other", "3")):
        head, *mailed = rows(plan.folder / f"mailing_{channel}.csv")
        assert head == ["customer_id", "arm"]
        assert sorted(mailed) == sorted(
            [row["customer_id"], row["arm"]]
            for row in targets(plan)
            if row["segment_id"] == segment and row["arm"] != "holdout"
        )


@pytest.mark.parametrize("more", [[], ["SPREADSHEET_SAFE=yes"]])
def test_outcomes_are_read_as_either_list_spells_ids(
    warehouse: Path, tmp_path: Path, more: list[str]
) -> None:
    plan = draw(
        warehouse, "SEGMENT=3", "HOLDOUT=0.5", "COLUMNS=customer_id=Cust-ID,segment_name,value_base", *more
    )
    listed = [row["customer_id"] for row in targets(plan)]
    for customer in COMPUTED:
        assert (f"'{customer}" in listed) == bool(more) and (customer in listed) != bool(more)
    head, *mailed = rows(plan.folder / "mailing.csv")
    assert {row[1] for row in mailed} == {"'=1+1" if more else "=1+1"}
    assert all(float(row[2]) >= 0 for row in mailed), "a number is no text"
    outcomes = tmp_path / "outcomes.csv"
    for spelling in ("{}", "'{}"):
        with outcomes.open("w", newline="") as file:
            csv.writer(file).writerows(
                [[head[0], "responded"], *([spelling.format(each), 1] for each in COMPUTED)]
            )
        whole = measure_campaign("a", outcomes, None, warehouse, dt.datetime.now())[0]
        assert whole.treated_responded + whole.held_out_responded == 4
    outcomes.write_text("customer_id,responded\n'030009,1\n")
    with pytest.raises(UserError, match="'030009"):
        measure_campaign("a", outcomes, None, warehouse, dt.datetime.now())


def test_a_list_of_who_opted_out_is_read_in_either_spelling(warehouse: Path, tmp_path: Path) -> None:
    opted = tmp_path / "opted.csv"
    opted.write_text("customer_id\n'=SUM(0)\n-2\n")
    plan = draw(warehouse, "SEGMENT=3", f"OPT_OUT={opted}")
    assert plan.exclusions == {"opt_out": 2} and not plan.unknown
    assert not {"=SUM(0)", "-2"} & {row["customer_id"] for row in targets(plan)}


def test_two_ids_that_would_become_one_are_not_made_safe(warehouse: Path, tmp_path: Path) -> None:
    rename(warehouse, "030020", "'+1")
    with pytest.raises(UserError, match=r"customers \+1 and '\+1 would have the same id; leave it out"):
        draw(warehouse, "SEGMENT=3", "SPREADSHEET_SAFE=yes")
    plan = draw(warehouse, "SEGMENT=3", "HOLDOUT=0.5")
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("customer_id,responded\n'+1,1\n")
    whole = measure_campaign("a", outcomes, None, warehouse, NOW)[0]
    responded = next(row["arm"] for row in targets(plan) if row["customer_id"] == "'+1")
    assert (whole.treated_responded, whole.held_out_responded) == (
        (1, 0) if responded == "treatment" else (0, 1)
    )


def test_who_is_forgotten_leaves_lists_that_stay_as_they_were_written(warehouse: Path) -> None:
    call_segment(warehouse, 2, "K\u00e4ufer")
    given = ["SEGMENT=2,3", "BY_CHANNEL=yes", "ENCODING=cp1252", "SPREADSHEET_SAFE=yes", "STRESSED=include"]
    plan = draw(warehouse, *given, "COLUMNS=segment_name=Gr\u00f6\u00dfe,customer_id=Id")
    before = {path.name: rows(path, "cp1252") for path in plan.folder.glob("mailing*")}
    gone = {row["customer_id"].removeprefix("'") for row in targets(plan) if row["segment_id"] == "3"}
    gone.add(before["mailing_letter.csv"][1][1])
    assert take_out_of_campaigns(warehouse, sorted(gone)) == 1
    after = {path.name: rows(path, "cp1252") for path in plan.folder.glob("mailing*")}
    assert after == {
        "mailing_letter.csv": [row for row in before["mailing_letter.csv"] if row[1] not in gone],
        "mailing_other.csv": [["Gr\u00f6\u00dfe", "Id"]],
    }
    assert len(after["mailing_letter.csv"]) == len(before["mailing_letter.csv"]) - 1


def test_a_layout_in_the_register_is_read_again_and_an_older_plan_has_the_usual_one(warehouse: Path) -> None:
    settings = read_settings(["NAME=a", "SEGMENT=1", "ENCODING=latin-1", "COLUMNS=arm,customer_id=Id"])
    draw_campaign(settings, warehouse, NOW)
    with duckdb.connect(str(warehouse / CAMPAIGNS / REGISTER), read_only=True) as connection:
        kept = json.loads(connection.execute("select parameters from campaigns").fetchall()[0][0])
    assert layout_of(kept) == settings.layout
    assert layout_of({"name": "a", "cost": 1}) == ListLayout(read_columns("", ["treatment"]))
