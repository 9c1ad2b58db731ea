"""make campaign: who is in, who is held out, what it can show, and that nothing is written when it is wrong."""

import datetime as dt
import json
import os
import shutil
import stat
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest
from statsmodels.stats.proportion import power_proportions_2indep

from scripts.base.errors import UserError
from scripts.base.paths import CAMPAIGNS
from scripts.base.statistics import best_holdout, customers_needed, power_of, smallest_uplift
from scripts.campaign import main
from scripts.campaigns import lists
from scripts.campaigns.cancel import cancel_campaign
from scripts.campaigns.draw import draw_campaign, plan_campaign
from scripts.campaigns.plan import CampaignPlan, summary
from scripts.campaigns.register import REGISTER
from scripts.campaigns.results import measure_campaign
from scripts.campaigns.settings import read_settings
from tests.support.builds import REPO, query
from tests.support.campaigning import SIZES, publish_customers

NOW = dt.datetime(2026, 3, 1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    publish_customers(tmp_path / "warehouse")
    return tmp_path / "warehouse"


def draw(warehouse: Path, *arguments: str, now: dt.datetime = NOW) -> CampaignPlan:
    return draw_campaign(read_settings(arguments), warehouse, now)


def targets(plan: CampaignPlan) -> pd.DataFrame:
    return pd.read_csv(plan.folder / "targets.csv", dtype={"customer_id": str}).set_index("customer_id")


def write_list(path: Path, *ids: str, head: str = "customer_id") -> str:
    path.write_text("\n".join([head, *ids]) + "\n")
    return str(path)


def test_everyone_is_counted_once(warehouse: Path, tmp_path: Path) -> None:
    opted = write_list(tmp_path / "opted.csv", "020000", "020020", "nobody")
    closed = write_list(tmp_path / "closed.csv", "020020", "020021", head="CUST_ID")
    plan = draw(warehouse, "NAME=a", "SEGMENT=2", f"OPT_OUT={opted}", f"CLOSED={closed}")
    # 020000 is over the limit, too, and 020020 on both lists: the first reason counts.
    assert plan.exclusions == {"opt_out": 2, "closed": 2, "over_limit": 9, "behind": 5}
    with duckdb.connect(str(warehouse / CAMPAIGNS / REGISTER), read_only=True) as connection:
        kept = connection.execute("select reason, customers from campaign_exclusions").fetchall()
        assert ("over_limit", 9) in kept
    assert plan.eligible == SIZES[2] - 18 == plan.treated + plan.held_out
    assert [match.unmatched for match in plan.unknown] == [("nobody",)]
    assert plan.objectors == 1
    drawn = targets(plan)
    assert not {"020299", "020000", "020020", "020021", "020010", "objector"} & set(drawn.index)


@pytest.mark.parametrize("moved", ["2>3", "Big spenders>3", "any > 3", " big spenders > any"])
def test_who_moved_between_two_segments_by_what_they_did(warehouse: Path, moved: str) -> None:
    """Of the 40 in segment 3 every second one moved, and one of these because of a new model."""
    plan = draw(warehouse, "NAME=a", f"MOVED={moved}")
    assert (plan.customers, plan.segments) == (19, {3: "=1+1"})
    assert len(targets(plan)) == plan.eligible == 19
    assert ("moved", moved.strip()) in summary(plan, read_settings(["NAME=a", f"MOVED={moved}"]), NOW)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["MOVED=3"], "MOVED=3: expected from>to, as in"),
        (["MOVED=>3"], "MOVED=>3: expected from>to"),
        (["MOVED=2>9"], r"MOVED=2>9: there is no segment 9; there are 1 \(Transactors\)"),
        (["MOVED=3>2"], "MOVED=3>2: nobody moved so"),
        (["MOVED=2>3", "SEGMENT=3"], "MOVED: says already who is meant; leave SEGMENT out"),
    ],
)
def test_a_movement_that_cannot_be_drawn(warehouse: Path, given: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        draw(warehouse, "NAME=a", *given)


def test_a_list_of_which_nobody_is_a_customer_stops_the_campaign(warehouse: Path, tmp_path: Path) -> None:
    """Their ids may be spelled otherwise: without leading zeros here, as Excel leaves them."""
    opted = write_list(tmp_path / "opted.csv", "10001", "10002")
    with pytest.raises(
        UserError, match=r"none of its 2 ids is among the customers: 10001 \(is it 010001\?\)"
    ):
        draw(warehouse, "NAME=a", "SEGMENT=1", f"OPT_OUT={opted}")
    assert not (warehouse / CAMPAIGNS / "a").exists()
    assert draw(warehouse, "NAME=a", "SEGMENT=1", f"OPT_OUT={opted}", "UNMATCHED=accept").exclusions == {}
    with pytest.raises(UserError, match="UNMATCHED=yes: expected accept, or nothing"):
        draw(warehouse, "NAME=b", "SEGMENT=1", "UNMATCHED=yes")


def test_customers_under_payment_stress_can_be_asked_for(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=2", "STRESSED=include")
    assert plan.eligible == SIZES[2] - 1
    assert plan.exclusions == {"closed": 1}


def test_who_objected_since_the_build_is_left_out(warehouse: Path) -> None:
    (warehouse / "objections.csv").write_text("customer_id,recorded_at\n010001,2026-02-01T00:00:00+00:00\n")
    plan = draw(warehouse, "NAME=a", "SEGMENT=1")
    assert plan.exclusions == {"objection": 1}
    assert "010001" not in targets(plan).index


@pytest.mark.parametrize("holdout", ["0.1", "0.37", "0.5"])
def test_the_holdout_has_its_share_in_every_stratum(warehouse: Path, holdout: str) -> None:
    drawn = targets(draw(warehouse, "NAME=a", "SEGMENT=all", f"HOLDOUT={holdout}"))
    share = float(holdout)
    held_out = drawn["arm"] == "holdout"
    assert held_out.sum() == round(share * len(drawn))
    for _, stratum in held_out.groupby([drawn["segment_id"], drawn["value_band"]]):
        assert abs(stratum.sum() - share * len(stratum)) <= 1
    assert set(drawn["value_band"]) == {"high", "middle", "low"}


def test_the_assignment_can_be_drawn_again_whatever_the_order_of_rows(
    warehouse: Path, tmp_path: Path
) -> None:
    first = targets(draw(warehouse, "NAME=a", "SEGMENT=all"))["arm"].sort_index()
    register = warehouse / CAMPAIGNS / REGISTER
    with duckdb.connect(str(register)) as connection:
        connection.execute("delete from campaigns")
        connection.execute("delete from campaign_targets")
    publish_customers(warehouse, reverse=True)
    again = targets(draw(warehouse, "NAME=a", "SEGMENT=all"))["arm"].sort_index()
    pd.testing.assert_series_equal(first, again)
    # Another name is another draw, and so is another register, whose secret nobody can know.
    other_name = targets(draw(warehouse, "NAME=b", "SEGMENT=all", "COOL_OFF_DAYS=0"))["arm"].sort_index()
    publish_customers(tmp_path / "elsewhere")
    elsewhere = targets(draw(tmp_path / "elsewhere", "NAME=a", "SEGMENT=all"))["arm"].sort_index()
    for other in (other_name, elsewhere):
        assert 0 < ((first == "holdout") & (other == "holdout")).sum() < (first == "holdout").sum()


def test_who_was_contacted_is_left_alone_for_a_while_and_who_was_held_out_is_not(warehouse: Path) -> None:
    first = targets(draw(warehouse, "NAME=a", "SEGMENT=1", "HOLDOUT=0.5"))
    soon = draw(warehouse, "NAME=b", "SEGMENT=1", now=NOW + dt.timedelta(days=29))
    assert set(targets(soon).index) == set(first.index[first["arm"] == "holdout"])
    later = draw(warehouse, "NAME=c", "SEGMENT=1", now=NOW + dt.timedelta(days=61))
    assert later.eligible == SIZES[1]


def test_the_global_holdout_is_the_same_each_time(warehouse: Path) -> None:
    left_out = []
    for name in ("a", "b"):
        plan = draw(warehouse, f"NAME={name}", "SEGMENT=1", "GLOBAL_HOLDOUT=0.2", "COOL_OFF_DAYS=0")
        left_out.append(set(publish_ids(1)) - set(targets(plan).index))
    assert left_out[0] == left_out[1]
    assert 0.1 < len(left_out[0]) / SIZES[1] < 0.3


def publish_ids(segment: int) -> list[str]:
    return [f"0{segment}{place:04}" for place in range(SIZES[segment])]


def test_a_budget_buys_the_customers_of_the_highest_value(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1", "HOLDOUT=0.2", "BUDGET=100", "COST=0.5")
    assert plan.treated == 200
    drawn = targets(plan)
    assert round(0.2 * len(drawn)) == plan.held_out
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        values = connection.sql("select value_base from marts.customer_values where segment_id = 1").df()
    assert drawn["value_base"].min() >= values["value_base"].nlargest(len(drawn)).min()


def test_arms_share_the_contacted_in_every_stratum(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=all", "ARMS=A, B,late", "HOLDOUT=0.37")
    drawn = targets(plan)
    assert plan.arms == {arm: (drawn["arm"] == arm).sum() for arm in ("A", "B", "late")}
    assert plan.treated == sum(plan.arms.values()) and plan.held_out == round(0.37 * len(drawn))
    for _, stratum in drawn.groupby(["segment_id", "value_band"]):
        sizes = stratum["arm"].value_counts()
        assert max(abs(sizes["holdout"] - 0.37 * len(stratum)), *abs(sizes - sizes["A"])[["B", "late"]]) <= 1
    mailed = pd.read_csv(plan.folder / "mailing.csv", dtype=str).set_index("customer_id")["arm"]
    assert mailed.to_dict() == drawn.loc[drawn["arm"] != "holdout", "arm"].to_dict()


def test_arms_can_be_drawn_again_and_the_holdout_does_not_depend_on_them(warehouse: Path) -> None:
    """As one offer, and as two: the same are held out, by one secret and name."""
    found = [
        targets(draw(warehouse, "NAME=a", "SEGMENT=1,2", *more))["arm"].sort_index()
        for more in ((), ("ARMS=A,B",), ("ARMS=A,B",))
        if not forget_campaigns(warehouse)
    ]
    pd.testing.assert_series_equal(found[1], found[2])
    assert (found[0] == "holdout").equals(found[1] == "holdout")
    # Either arm has its half of any part of the order in which customers stand.
    first = found[1][found[1] != "holdout"].iloc[:200]
    assert 70 < (first == "A").sum() < 130


def forget_campaigns(warehouse: Path) -> None:
    """Empty the register, which keeps its secret."""
    if (warehouse / CAMPAIGNS / REGISTER).exists():
        with duckdb.connect(str(warehouse / CAMPAIGNS / REGISTER)) as connection:
            connection.execute("delete from campaigns; delete from campaign_targets")


def test_a_plan_of_arms_is_corrected_for_their_comparisons(warehouse: Path) -> None:
    settings = read_settings(["NAME=a", "SEGMENT=1", "ARMS=A,B", "HOLDOUT=0.4"])
    plan = plan_campaign(settings, warehouse, NOW)
    assert (plan.arms, plan.held_out) == ({"A": 180, "B": 180}, 240)
    for smallest in plan.smallest_by_arm.values():
        assert smallest is not None
        assert power_proportions_2indep(
            smallest, 0.05, 180, ratio=240 / 180, alpha=0.05 / 3, return_results=False
        ) == pytest.approx(0.8, abs=1e-6)
    between = smallest_uplift(180, 180, 0.05, comparisons=3)
    assert plan.smallest_difference == between and between is not None
    lines = dict(summary(plan, settings, NOW))
    assert lines["  A"] == lines["  B"] == "180"
    assert lines["  between two arms"] == f"{100 * between:.2f} points"
    assert lines["smallest uplift it can show"].endswith("(power 0.8, corrected for 3 comparisons)")
    assert "Even with 41% held out, the best for so many arms," in plan.warning


@pytest.mark.parametrize("arms", [1, 2, 3, 5])
def test_no_other_share_held_out_shows_arms_with_fewer_customers(arms: int) -> None:
    shares = [place / 100 for place in range(5, 96)]
    needed = {share: customers_needed(0.05, 0.01, share, arms) for share in shares}
    assert customers_needed(0.05, 0.01, best_holdout(arms), arms) <= 1.01 * min(needed.values())
    assert abs(min(needed, key=needed.__getitem__) - best_holdout(arms)) <= 0.03


def test_the_advice_for_arms_is_what_helps(warehouse: Path) -> None:
    given = ["NAME=a", "SEGMENT=1", "ARMS=A,B", "EXPECTED_UPLIFT=0.105"]
    assert "HOLDOUT=0.41 would show it." in plan_campaign(read_settings(given), warehouse, NOW).warning
    helped = plan_campaign(read_settings([*given, "HOLDOUT=0.41"]), warehouse, NOW)
    assert helped.warning == "" and helped.power_at_expected >= 0.8


def test_bounds_and_cancelling_with_arms(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1", "ARMS=A,B", "MAX_CUSTOMERS=101")
    assert sorted(plan.arms.values()) == [50, 51]
    later = draw(warehouse, "NAME=b", "SEGMENT=1", "ARMS=A,B", "BUDGET=30")
    assert later.exclusions == {"cool_off": 101} and later.arms == {"A": 15, "B": 15}
    assert cancel_campaign("a", warehouse, NOW) == 101
    assert draw(warehouse, "NAME=c", "SEGMENT=1").exclusions == {"cool_off": 30}
    with pytest.raises(UserError, match=r"too few to hold out 0\.3 of them and contact each arm"):
        draw(warehouse, "NAME=d", "SEGMENT=2", "ARMS=A,B,C", "MAX_CUSTOMERS=2", "HOLDOUT=0.3")


@pytest.mark.parametrize(
    "arms", ["A", "A,a", "A,", "A,holdout", "A,Treatment", "A,B,C,D,E,F", "A,b c", "A,=1", "A," + "x" * 21]
)
def test_arms_that_are_none(arms: str) -> None:
    with pytest.raises(UserError, match="expected 2 to 5 different names of up to 20 letters") as refusal:
        read_settings(["NAME=a", "SEGMENT=1", f"ARMS={arms}"])
    assert "as in ARMS=A,B; leave it out for one offer." in str(refusal.value)


def test_the_mailing_holds_the_treated_alone(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1")
    mailed = pd.read_csv(plan.folder / "mailing.csv", dtype=str)["customer_id"]
    drawn = targets(plan)
    assert set(mailed) == set(drawn.index[drawn["arm"] == "treatment"])


def test_the_workbook_keeps_ids_as_text_and_holds_no_formula(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=3")
    rows = list(openpyxl.load_workbook(plan.folder / "targets.xlsx")["Targets"].iter_rows())
    assert {cell.data_type for cell in rows[1][:1] + rows[1][2:5]} <= {"s", "inlineStr"}
    assert not [cell for row in rows for cell in row if cell.data_type == "f"]
    listed = targets(plan)
    assert [row[0].value for row in rows[1:]] == list(listed.index)
    assert {"=SUM(0)", "030001"} <= set(listed.index)
    assert [row[5].value for row in rows[1:]] == list(listed["value_base"])


def test_the_register_is_for_its_owner_alone(warehouse: Path) -> None:
    draw(warehouse, "NAME=a", "SEGMENT=1")
    assert stat.S_IMODE(os.stat(warehouse / CAMPAIGNS / REGISTER).st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NAME=a", "SEGMENT=9"], r"SEGMENT=9: there is no such segment; there are 1 \(Transactors\)"),
        (["NAME=a", "SEGMENT=Nobody"], "SEGMENT=Nobody: there is no such segment"),
        (["NAME=a"], "SEGMENT is missing"),
        (["SEGMENT=1"], "NAME is missing"),
        (["NAME=../x", "SEGMENT=1"], r"NAME=\.\./x: expected letters"),
        (["NAME=a", "SEGMENT=1", "HOLDOUT=0"], "HOLDOUT=0: expected a number above 0 and below 1"),
        (["NAME=a", "SEGMENT=1", "HOLDOUT=1"], "HOLDOUT=1: expected a number above 0 and below 1"),
        (["NAME=a", "SEGMENT=1", "HOLDOUT=nan"], "HOLDOUT=nan: expected"),
        (["NAME=a", "SEGMENT=1", "BASE_RATE=-0.1"], "BASE_RATE=-0.1: expected"),
        (["NAME=a", "SEGMENT=1", "COST=-1"], "COST=-1: expected a number from 0 to 1000000000"),
        (["NAME=a", "SEGMENT=1", "BUDGET=-5"], "BUDGET=-5: expected a number above 0"),
        (["NAME=a", "SEGMENT=1", "BUDGET=1"], "too few to hold out"),
        (["NAME=a", "SEGMENT=1", "STRESSED=maybe"], "expected exclude or include"),
        (["NAME=a", "SEGMENT=1", "HOLDUOT=0.1"], "HOLDUOT=0.1: expected one of"),
        (["NAME=a", "SEGMENT=1", "OPT_OUT=nowhere.csv"], "OPT_OUT=nowhere.csv: no such file"),
    ],
)
def test_a_mistake_gets_one_sentence_and_nothing_is_written(
    warehouse: Path, arguments: list[str], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        draw(warehouse, *arguments)
    assert campaigns_of(warehouse) == []
    assert [p for p in (warehouse / CAMPAIGNS).glob("*") if p.name != REGISTER] == []


def campaigns_of(warehouse: Path) -> list[str]:
    register = warehouse / CAMPAIGNS / REGISTER
    if not register.exists():
        return []
    with duckdb.connect(str(register), read_only=True) as connection:
        return [row[0] for row in connection.execute("select name from campaigns").fetchall()]


def test_a_list_without_ids_is_refused(warehouse: Path, tmp_path: Path) -> None:
    wrong = write_list(tmp_path / "wrong.csv", "1", head="mail")
    with pytest.raises(UserError, match="has no column customer_id"):
        draw(warehouse, "NAME=a", "SEGMENT=1", f"OPT_OUT={wrong}")
    assert campaigns_of(warehouse) == []


def test_a_name_is_used_once(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1")
    before = (plan.folder / "targets.csv").read_bytes()
    with pytest.raises(UserError, match="there is such a campaign already"):
        draw(warehouse, "NAME=a", "SEGMENT=2")
    assert (plan.folder / "targets.csv").read_bytes() == before


def test_nothing_stays_where_writing_fails(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lists, "_write_workbook", fail)
    with pytest.raises(UserError, match="No space left"):
        draw(warehouse, "NAME=a", "SEGMENT=1")
    assert campaigns_of(warehouse) == []
    assert [p.name for p in (warehouse / CAMPAIGNS).iterdir()] == [REGISTER]


def test_a_hopeless_campaign_is_called_so(warehouse: Path) -> None:
    assert "hopeless" in draw(warehouse, "NAME=a", "SEGMENT=1").warning
    assert draw(warehouse, "NAME=b", "SEGMENT=1", "EXPECTED_UPLIFT=0.4", "COOL_OFF_DAYS=0").warning == ""


@pytest.mark.parametrize(
    ("base", "uplift", "per_arm"),
    [(0.02, 0.01, 3825), (0.02, 0.005, 13809), (0.05, 0.01, 8158), (0.05, 0.02, 2212)],
)
def test_the_size_needed_is_that_of_the_usual_tables(base: float, uplift: float, per_arm: int) -> None:
    assert abs(customers_needed(base, uplift, 0.5) / 2 - per_arm) <= 1


def test_the_smallest_uplift_is_the_one_that_is_shown_four_times_in_five() -> None:
    found = smallest_uplift(1166, 292, 0.05)
    assert found is not None
    assert power_of(1166, 292, 0.05, found) == pytest.approx(0.8, abs=1e-6)
    assert found == pytest.approx(0.0497, abs=5e-4)
    assert smallest_uplift(3, 2, 0.05) is None


def register(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse / CAMPAIGNS / REGISTER), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_plan_writes_nothing_and_is_what_is_drawn(warehouse: Path) -> None:
    settings = read_settings(["NAME=a", "SEGMENT=Big spenders,1"])
    plan = plan_campaign(settings, warehouse, NOW)
    assert set(plan.segments) == {1, 2}
    assert not plan.folder.exists()
    assert not register(warehouse, "from campaigns") and not register(warehouse, "from campaign_targets")
    drawn = draw_campaign(settings, warehouse, NOW, plan)
    assert drawn == plan and plan.folder.exists()


def test_what_changed_since_the_plan_is_not_drawn(warehouse: Path, tmp_path: Path) -> None:
    opted = write_list(tmp_path / "opted.csv", "020100")
    settings = read_settings(["NAME=a", "SEGMENT=2", f"OPT_OUT={opted}"])
    plan = plan_campaign(settings, warehouse, NOW)
    write_list(tmp_path / "opted.csv", "020100", "020101")
    with pytest.raises(UserError, match="changed since the plan was shown; look at the plan again"):
        draw_campaign(settings, warehouse, NOW, plan)
    assert not register(warehouse, "from campaigns")


def test_without_a_terminal_only_confirm_writes(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(warehouse))
    assert main(["NAME=a", "SEGMENT=1"]) == 0
    assert "nothing is written. The same with CONFIRM=yes writes the lists." in capsys.readouterr().out
    assert not (warehouse / CAMPAIGNS / "a").exists()
    assert main(["NAME=a", "SEGMENT=1", "CONFIRM=yes"]) == 0
    assert (warehouse / CAMPAIGNS / "a" / "mailing.csv").exists()
    assert main(["NAME=b", "SEGMENT=1", "CONFIRM=perhaps"]) == 1


def test_a_cancelled_campaign_gives_its_customers_back(warehouse: Path) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1")
    assert draw(warehouse, "NAME=b", "SEGMENT=1,2").exclusions["cool_off"] == plan.treated
    assert cancel_campaign("a", warehouse, NOW) == plan.treated
    assert not plan.folder.exists()
    with pytest.raises(UserError, match="NAME=a: was cancelled on 2026-03-01"):
        cancel_campaign("a", warehouse, NOW)
    with pytest.raises(UserError, match="NAME=c: there is no such campaign; there are a, b"):
        cancel_campaign("c", warehouse, NOW)
    with pytest.raises(UserError, match="NAME=a: there is such a campaign already"):
        draw(warehouse, "NAME=a", "SEGMENT=2")
    cancel_campaign("b", warehouse, NOW)
    assert "cool_off" not in draw(warehouse, "NAME=d", "SEGMENT=1").exclusions


def test_a_campaign_with_results_is_not_cancelled(warehouse: Path, tmp_path: Path) -> None:
    drawn = targets(draw(warehouse, "NAME=a", "SEGMENT=1"))
    outcomes = tmp_path / "out.csv"
    outcomes.write_text(f"customer_id,responded\n{drawn.index[0]},1\n")
    measure_campaign("a", outcomes, None, warehouse, NOW)
    with pytest.raises(UserError, match="NAME=a: has results, so its customers were contacted"):
        cancel_campaign("a", warehouse, NOW)
    assert (warehouse / CAMPAIGNS / "a" / "targets.csv").exists()


def test_what_a_play_costs_and_whom_it_helps_is_taken_from_it(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse / "card_segments.duckdb")) as connection:
        connection.execute(
            "update marts.segment_playbook set contact_cost = 8, includes_stressed = true where segment_id = 2"
        )
    plan = plan_campaign(read_settings(["NAME=a", "SEGMENT=1,2"]), warehouse, NOW)
    assert plan.cost == 8 and not {"over_limit", "behind"} & set(plan.exclusions)
    assert [note.partition(";")[0] for note in plan.notes] == [
        "the plays of these segments cost 1 to 8 a contact",
        "over the limit or behind on payments stays in Big spenders, whose play is help",
    ]
    own = plan_campaign(read_settings(["NAME=a", "SEGMENT=2", "STRESSED=exclude", "COST=3"]), warehouse, NOW)
    assert own.cost == 3 and own.exclusions["over_limit"] == 10
    assert not own.notes


def assume(warehouse: Path, base_rate: float, uplift: float, holdout: float) -> None:
    with duckdb.connect(str(warehouse / "card_segments.duckdb")) as connection:
        connection.execute(
            "update marts.segment_playbook set base_response_rate = ?, expected_uplift = ?",
            [base_rate, uplift],
        )
        connection.execute("delete from marts.value_assumptions")
        connection.execute("insert into marts.value_assumptions values ('holdout_share', ?)", [holdout])


def test_what_is_left_out_is_what_is_published_and_said(warehouse: Path) -> None:
    assume(warehouse, 0.2, 0.3, 0.15)
    plan = draw(warehouse, "NAME=a", "SEGMENT=1")
    assert (plan.base_rate, plan.expected_uplift, plan.holdout, plan.held_out) == (0.2, 0.3, 0.15, 90)
    assert plan.notes == (
        "BASE_RATE=0.2, EXPECTED_UPLIFT=0.3, as in the plays that are published",
        "HOLDOUT=0.15, the usual share by what is published, shows 30 points here",
    )
    [(kept,)] = register(warehouse, "select parameters from campaigns")
    parameters = json.loads(str(kept))
    assert [parameters[name] for name in ("holdout", "base_rate", "expected_uplift", "cost")] == [
        0.15,
        0.2,
        0.3,
        1,
    ]
    own = plan_campaign(
        read_settings(["NAME=b", "SEGMENT=2", "BASE_RATE=0.1", "HOLDOUT=0.3", "EXPECTED_UPLIFT=0.02"]),
        warehouse,
        NOW,
    )
    assert (own.base_rate, own.expected_uplift, own.holdout, own.notes) == (0.1, 0.02, 0.3, ())


@pytest.mark.parametrize(
    ("more", "holdout"),
    [([], 0.15), (["MAX_CUSTOMERS=40"], 0.5), (["BUDGET=40"], 0.5), (["ARMS=A,B", "MAX_CUSTOMERS=40"], 0.41)],
)
def test_more_is_held_out_where_the_usual_share_would_not_show_the_uplift(
    warehouse: Path, more: list[str], holdout: float
) -> None:
    """Of the customers within the bounds, as the playbook does of all."""
    assume(warehouse, 0.2, 0.3, 0.15)
    plan = plan_campaign(read_settings(["NAME=a", "SEGMENT=1", *more]), warehouse, NOW)
    assert plan.holdout == holdout and plan.held_out == round(holdout * (plan.treated + plan.held_out))
    if more:
        assert (
            plan.notes[-1]
            == f"HOLDOUT={holdout}, which shows the most: the usual 0.15 does not show 30 points here"
        )


def test_the_verdict_is_that_of_the_playbook(sample_build: Path, tmp_path: Path) -> None:
    """Each segment as it is planned where nothing but the segment is given."""
    warehouse = shutil.copytree(sample_build.parent, tmp_path / "warehouse", symlinks=True)
    plays = query(sample_build, "from marts.segment_playbook order by segment_id")
    for play in plays.itertuples():
        plan = plan_campaign(read_settings(["NAME=a", f"SEGMENT={play.segment_id}"]), warehouse, NOW)
        assert plan.holdout == play.recommended_holdout
        assert (plan.base_rate, plan.expected_uplift) == (play.base_response_rate, play.expected_uplift)
        assert plan.needed == pytest.approx(play.customers_needed, abs=1, rel=1e-5)
        assert (plan.eligible, plan.held_out) == (play.contactable_customers, play.held_out)
        assert plan.verdict == play.verdict
        if play.verdict != "unknown":
            assert plan.cost == play.contact_cost
            assert plan.expected_net == pytest.approx(play.expected_net)
            assert plan.smallest_uplift == pytest.approx(play.smallest_uplift, abs=2e-5)


@pytest.mark.parametrize(
    ("holdout", "advice"), [("0.1", "HOLDOUT=0.5 would show it."), ("0.5", "Even with half")]
)
def test_the_advice_is_what_helps(warehouse: Path, holdout: str, advice: str) -> None:
    uplift = "0.07" if holdout == "0.1" else "0.01"
    plan = plan_campaign(
        read_settings(["NAME=a", "SEGMENT=1", f"HOLDOUT={holdout}", f"EXPECTED_UPLIFT={uplift}"]),
        warehouse,
        NOW,
    )
    assert advice in plan.warning


@pytest.mark.parametrize("holdout", ["0.1", "0.37", "0.5"])
def test_no_more_are_contacted_than_wanted_and_those_of_the_highest_value(
    warehouse: Path, holdout: str
) -> None:
    plan = draw(warehouse, "NAME=a", "SEGMENT=1", f"HOLDOUT={holdout}", "MAX_CUSTOMERS=100", "BUDGET=500")
    assert plan.treated == 100 and plan.eligible == SIZES[1]
    drawn = targets(plan)
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        values = connection.execute(
            "select value_base from marts.customer_values where segment_id = 1 order by 1 desc"
        ).fetchall()
    assert drawn["value_base"].min() == values[len(drawn) - 1][0]
    # The tighter bound counts.
    assert draw(warehouse, "NAME=b", "SEGMENT=2", "MAX_CUSTOMERS=100", "BUDGET=50").treated == 50


def test_the_plan_speaks_the_language_that_was_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line that the command prints of itself, where what is published is Indonesian."""
    publish_customers(tmp_path)
    with duckdb.connect(str(tmp_path / "card_segments.duckdb")) as connection:
        connection.execute(
            "create or replace table marts.words as select key, text from read_csv(?, header = true, all_varchar = true)",
            [str(REPO / "dbt_project/seeds/words/words_id.csv")],
        )
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path))
    assert main(["NAME=a", "SEGMENT=1", "CONFIRM=yes"]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    for words in (
        "memenuhi syarat",
        "pembanding",
        "uplift terkecil yang dapat ditunjukkan",
        "Kirim hanya ke",
    ):
        assert words in said, said
    for words in ("eligible", "left out", "holdout ", "customers", "Mail to", "Later", "smallest"):
        assert words not in said, said
