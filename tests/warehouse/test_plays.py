"""What a test of each segment's play would cost and bring (model int_segment_plays), on real builds."""

from pathlib import Path

import pytest

from scripts.base.statistics import customers_needed, smallest_uplift
from tests.support.builds import query

DRIVEN = {
    "interchange": ("yearly_purchases", "interchange_rate", 1),
    "rewards": ("yearly_purchases", "rewards_rate", -1),
    "interest": ("revolving_balance", "purchase_apr", 1),
    "cash_advance_fees": ("yearly_cash_advances", "cash_advance_fee_rate", 1),
    "funding": ("mean_balance", "funding_rate", -1),
    "expected_loss": ("mean_balance", "loss_rate", -1),
}


def test_drivers_times_assumptions_are_the_parts_of_value(real_build: Path) -> None:
    segments = query(real_build, "from marts.segment_values")
    base = query(real_build, "from marts.value_assumptions").set_index("assumption")["base"]
    for part, (driver, rate, sign) in DRIVEN.items():
        assert segments[part].to_numpy() == pytest.approx(
            (sign * segments[driver] * base[rate]).to_numpy(), abs=1e-9
        )
    fees = segments["behind_share"] * base["late_fee"] * base["late_fees_a_year"]
    assert segments["late_fees"].to_numpy() == pytest.approx(fees.to_numpy())
    parts = segments[[*DRIVEN, "late_fees", "servicing"]].sum(axis=1)
    assert segments["value_base"].to_numpy() == pytest.approx(parts.to_numpy())


def test_what_is_expected_follows_from_the_assumptions(sample_build: Path) -> None:
    plays = query(
        sample_build,
        "select plays.*, expected_loss, value_base from marts.segment_playbook as plays"
        " inner join marts.segment_values using (segment_id)",
    )
    base = query(sample_build, "from marts.value_assumptions").set_index("assumption")["base"]
    for play in plays.itertuples():
        if play.archetype == "none":
            assert play.verdict == "unknown"
            continue
        assert play.contact_cost == base[f"contact_cost_{play.contact_kind}"]
        assert play.contacts + play.held_out == play.contactable_customers
        worth = base["value_horizon_years"] * (
            play.value_change_per_response
            + (0 if play.loss_change != play.loss_change else play.loss_change * play.expected_loss)
            + (0 if play.kept_share != play.kept_share else play.kept_share * play.value_base)
        )
        assert play.value_per_responder == pytest.approx(worth)
        net = play.contacts * (base["expected_uplift"] * worth - play.contact_cost)
        assert play.expected_net == pytest.approx(net)
        assert (play.verdict == "loses_money") == (net <= 0)
    assert sorted(plays["play_rank"]) == list(range(1, len(plays) + 1))
    order = plays.sort_values("play_rank")
    is_last = order["verdict"] == "loses_money"
    assert is_last.is_monotonic_increasing, "what loses money does not come last"


def test_sizes_are_those_of_the_campaigns_statistics(sample_build: Path, real_build: Path) -> None:
    for build in (sample_build, real_build):
        for play in query(build, "from marts.segment_playbook").itertuples():
            needed = customers_needed(play.base_response_rate, play.expected_uplift, play.recommended_holdout)
            assert play.customers_needed == pytest.approx(needed, abs=1, rel=1e-5)
            smallest = smallest_uplift(play.contacts, play.held_out, play.base_response_rate)
            assert smallest is not None
            assert play.smallest_uplift == pytest.approx(smallest, abs=2e-5)


def test_only_an_offer_of_help_reaches_people_under_stress(sample_build: Path) -> None:
    found = query(
        sample_build,
        """select segment_id, any_value(contactable_customers) as stated, any_value(includes_stressed) as helps,
            count(*) filter (where not coalesce(is_closed, false)) as open,
            count(*) filter (where not coalesce(is_closed, false)
                and not coalesce(balance > credit_limit, false)
                and not coalesce(payments < minimum_payments, false)) as at_ease
        from marts.customer_segments inner join marts.customer_features using (customer_id)
            inner join marts.segment_playbook using (segment_id) group by segment_id""",
    )
    assert (found["stated"] == found["open"].where(found["helps"], found["at_ease"])).all()
    assert (found["open"] > found["at_ease"]).any()
