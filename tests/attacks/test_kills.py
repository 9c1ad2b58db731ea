"""Builds killed at random moments; `python -m tests.attacks.kills 200` kills as many as one likes."""

from pathlib import Path

from tests.attacks.kills import attack


def test_kills_at_random_moments_mix_and_break_nothing(tmp_path: Path) -> None:
    lines = list(attack(tmp_path, kills=3, seed=17))
    assert [line.partition(":")[0] for line in lines if line.startswith("kill")] == [
        "kill 1",
        "kill 2",
        "kill 3",
    ]
    assert "into publishing" in lines[0]
