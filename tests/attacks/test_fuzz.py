"""Inputs spoilt at random: each is accepted with every row counted, or refused in one short sentence."""

import os
import random
import subprocess
import sys
from pathlib import Path

import duckdb

from tests.attacks.fuzz import fault_of, spoilt
from tests.support.builds import REPO
from tests.support.learned import features_or_sentences

# Of the inputs that the intake accepts, so many go through the job's SQL.
THROUGH_SQL = 4


def test_two_hundred_spoilt_inputs(tmp_path: Path) -> None:
    """In a process of its own, which ends itself where one hangs."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.fuzz", "200", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_rows_of_spoilt_inputs_add_up_in_the_audit(tmp_path: Path) -> None:
    """Accepted and rejected rows are all there are; no input stops the SQL."""
    sources: list[Path] = []
    seed = 0
    while len(sources) < THROUGH_SQL:
        seed += 1
        source = spoilt(tmp_path / str(seed), random.Random(seed))
        # Half of each kind.
        if [each.is_dir() for each in sources].count(source.is_dir()) < THROUGH_SQL / 2 and fault_of(source)[
            1
        ]:
            sources.append(source)
    features_or_sentences(sources, tmp_path / "work")
    for place, source in enumerate(sources):
        work = tmp_path / "work" / str(place) / "work.duckdb"
        with duckdb.connect(str(work), read_only=True) as connection:
            audit = connection.execute(
                "select source, rows_in, rows_accepted, rows_rejected from customers.int_load_audit"
                " where measure = 'rows' order by source"
            ).fetchall()
            given = connection.execute(
                "select source, sum(rows)::bigint from raw.inputs group by source order by source"
            ).fetchall()
            rejected = dict(
                connection.execute(
                    "select source, count(*) from customers.int_rejected_rows group by source"
                ).fetchall()
            )
            [(customers,)] = connection.execute(
                "select count(*) from customers.int_customer_features"
            ).fetchall()
        assert [(name, rows) for name, rows, _, _ in audit] == given, source
        for name, rows, accepted, refused in audit:
            assert rows == accepted + refused and refused == rejected.get(name, 0), (source, name)
            # Of what is counted as accepted, a summary's rows are its customers.
            assert accepted >= 0 and (source.is_dir() or accepted == customers), (source, name)
