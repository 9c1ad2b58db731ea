"""The comparison of `make bench` does the job's work: its features are the job's, by other code."""

from pathlib import Path

import duckdb
import pandas as pd

from scripts.benchmark.notebook import features_of, read
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import run_build


def test_the_notebooks_features_are_the_jobs(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    write_sample_ledger(ledger, customers=400, seed=11, file_format="parquet", months=15)
    done = run_build(tmp_path / "warehouse", f"SOURCE={ledger}", "K=2")
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "warehouse" / "card_segments.duckdb"), read_only=True) as connection:
        job = (
            connection.sql("select * from marts.customer_features").df().set_index("customer_id").sort_index()
        )
    notebook = features_of(*read(ledger))
    pd.testing.assert_frame_equal(
        job[notebook.columns], notebook.sort_index(), check_index_type=False, check_exact=False, rtol=1e-9
    )
