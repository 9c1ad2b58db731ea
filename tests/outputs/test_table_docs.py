"""`make docs`: dbt's page of tables and lineage, in a real browser, from disk and without a network."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from scripts.docs import main
from scripts.job import table_docs as docs
from scripts.job.table_docs import write_docs
from tests.support.builds import query


@pytest.fixture(scope="module")
def warehouse(sample_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of its own with the documentation written."""
    made = shutil.copytree(sample_build.parent, tmp_path_factory.mktemp("docs") / "warehouse", symlinks=True)
    write_docs(made)
    return made


def wait_for(browser: Any, script: str) -> Any:
    """Return what a script says once it is something."""
    for _ in range(100):
        if found := browser.execute_script(script):
            return found
        time.sleep(0.1)
    raise AssertionError(script)


def open_model(browser: Any, warehouse: Path, model: str) -> str:
    browser.get("about:blank")
    browser.get(f"{(warehouse / docs.DOCS).as_uri()}#!/model/model.card_segments.{model}")
    return str(wait_for(browser, "const m = document.querySelector('.app-content'); return m && m.innerText"))


def test_a_table_has_its_description_and_its_columns(browser: Any, warehouse: Path) -> None:
    said = open_model(browser, warehouse, "segment_profiles")
    described = query(
        warehouse / "card_segments.duckdb",
        "select comment from duckdb_tables() where table_name = 'segment_profiles'",
    )["comment"].iloc[0]
    assert described in said
    for column in ("segment_id", "customer_share", "balance_mean"):
        assert column in said


def test_the_lineage_is_drawn(browser: Any, warehouse: Path) -> None:
    open_model(browser, warehouse, "segment_profiles")
    wait_for(
        browser,
        "return document.querySelector('.launcher-btn, .btn-launcher, [ng-click*=\"graph\"], .graph-launcher')",
    )
    browser.find_element("css selector", ".launcher-btn, .btn-launcher, .graph-launcher").click()
    size = wait_for(
        browser,
        "const c = [...document.querySelectorAll('canvas')].find(c => c.width > 200 && c.height > 100);"
        "return c && [c.width, c.height]",
    )
    assert size


def test_nothing_is_loaded_from_outside(browser: Any, warehouse: Path) -> None:
    """Offline, what a page asks of the network fails, and each failure shows in the browser's log."""
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    open_model(browser, warehouse, "customer_segments")
    assert refused(browser) == []
    browser.execute_script("document.body.append(Object.assign(new Image(), {src: 'https://a.example/b'}))")
    time.sleep(0.5)
    assert len(refused(browser)) == 1
    browser.execute_cdp_cmd("Network.disable", {})


def refused(browser: Any) -> list[str]:
    """What was asked of the network; dbt's page also looks for an icon beside itself, which is not there."""
    messages = [line["message"] for line in browser.get_log("browser")]
    return [message for message in messages if "net::ERR" in message and not message.startswith("file:")]


def test_the_build_is_not_touched(sample_build: Path, warehouse: Path) -> None:
    for name in ("work.duckdb", "dbt/manifest.json", "dbt/run_results.json"):
        assert (warehouse / name).read_bytes() == (sample_build.parent / name).read_bytes(), name
    assert not list(warehouse.glob(".partial-*"))


def test_the_sql_is_what_ran(sample_build: Path, warehouse: Path) -> None:
    """With the numbers of the model, though the work file has no rows of it any more."""
    manifest = json.loads((sample_build.parent / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    ran = manifest["nodes"]["model.card_segments.customer_scores"]["compiled_code"]
    assert "coalesce(purchases_trx" in ran
    page = (warehouse / docs.DOCS).read_text(encoding="utf-8")
    assert json.dumps(ran).replace("<", "\\u003c") in page


def test_it_waits_for_no_build_and_disturbs_none(warehouse: Path) -> None:
    before = (warehouse / docs.DOCS).read_bytes()
    with build_lock(warehouse), pytest.raises(UserError, match="another build is running"):
        write_docs(warehouse)
    assert (warehouse / docs.DOCS).read_bytes() == before


def test_without_a_build_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path))
    assert main([]) == 1
    assert "nothing is built yet; run make build first" in capsys.readouterr().err
    assert main(["K=3"]) == 1
    assert "make docs takes no parameters" in capsys.readouterr().err
