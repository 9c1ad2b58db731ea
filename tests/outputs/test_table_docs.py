"""`make docs`: dbt's page of tables and lineage, in a real browser, from disk and without a network."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.lock import build_lock
from scripts.dbt.runner import run_dbt
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
    for name in ("work.duckdb", "dbt/manifest.json", "dbt/documentation.json"):
        assert (warehouse / name).read_bytes() == (sample_build.parent / name).read_bytes(), name
    assert not list(warehouse.glob("**/.partial-*"))


def test_the_sql_is_what_ran(sample_build: Path, warehouse: Path) -> None:
    """With the numbers of the model, though the work file has no rows of it any more."""
    manifest = json.loads((sample_build.parent / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    ran = manifest["nodes"]["model.card_segments.customer_scores"]["compiled_code"]
    assert "coalesce(purchases_trx" in ran
    page = (warehouse / docs.DOCS).read_text(encoding="utf-8")
    assert json.dumps(ran).replace("<", "\\u003c") in page


def test_it_waits_for_no_build_and_disturbs_none(warehouse: Path) -> None:
    """While a build works, what it works on is neither read nor there."""
    before = (warehouse / docs.DOCS).read_bytes()
    (warehouse / docs.DOCS).unlink()
    aside = [(warehouse / name, warehouse / f"{name}.aside") for name in (docs.WORK, docs.MANIFEST)]
    with build_lock(warehouse):
        for path, there in aside:
            path.rename(there)
        write_docs(warehouse)
        for path, there in aside:
            there.rename(path)
    assert (warehouse / docs.DOCS).read_bytes() == before


def test_the_page_says_what_dbts_own_would(warehouse: Path, tmp_path: Path) -> None:
    """The same as of dbt's own run for it, on relations as the catalog has them."""
    page = (warehouse / docs.DOCS).read_text()
    ours = inlined(page)
    remake(ours["catalog"], tmp_path / docs.WORK)
    results = json.loads((warehouse / "dbt" / "run_results.json").read_text())
    done = run_dbt(
        ["docs", "generate", "--static"],
        results["args"]["vars"],
        work=tmp_path / docs.WORK,
        target=tmp_path / "dbt",
    )
    assert done.success
    own = (tmp_path / "dbt" / "static_index.html").read_text()
    theirs = inlined(own)
    assert ours["catalog"] == theirs["catalog"] and len(ours["catalog"]["nodes"]) > 80
    assert list(ours["catalog"]["nodes"]) == list(theirs["catalog"]["nodes"])
    assert ours["manifest"]["child_map"] == theirs["manifest"]["child_map"]
    for kind in ("nodes", "sources", "exposures", "macros"):
        assert of_the_page(ours["manifest"][kind]) == of_the_page(theirs["manifest"][kind]), kind
    # What is no data is the same to the letter.
    assert page[: page.index("manifest:{")] == own[: own.index("manifest:{")]
    assert page[ours["end"] :].rstrip() == own[theirs["end"] :]


def test_the_catalog_has_the_columns_that_were_published(warehouse: Path) -> None:
    columns = query(
        warehouse / "card_segments.duckdb",
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts'",
    ).values.tolist()
    catalog = inlined((warehouse / docs.DOCS).read_text())["catalog"]["nodes"].values()
    marts = [each for each in catalog if each["metadata"]["schema"] == "marts"]
    assert sorted(columns) == sorted(
        [table["metadata"]["name"], name, column["type"]]
        for table in marts
        for name, column in table["columns"].items()
    )


def test_the_sql_is_that_which_ran(warehouse: Path) -> None:
    nodes = inlined((warehouse / docs.DOCS).read_text())["manifest"]["nodes"]
    models = {
        each["name"]: each["compiled_code"] for each in nodes.values() if each["resource_type"] == "model"
    }
    assert all(models.values())
    # Its numbers are those of the model, which nothing but the run knew.
    center = query(warehouse / "card_segments.duckdb", "from marts.model_parameters where stage = 'scale'")
    assert str(center["value"].iloc[0]) in models["customer_scores"]


def remake(catalog: dict[str, Any], path: Path) -> None:
    """Make the relations of a catalog, without rows."""
    with duckdb.connect(str(path)) as connection:
        for entry in (*catalog["nodes"].values(), *catalog["sources"].values()):
            what = entry["metadata"]
            name = f'{what["schema"]}."{what["name"]}"'
            connection.execute(f"create schema if not exists {what['schema']}")
            columns = ", ".join(
                f'cast(null as {column["type"]}) as "{each}"' for each, column in entry["columns"].items()
            )
            kind = "view" if what["type"] == "VIEW" else "table"
            connection.execute(f"create {kind} {name} as select {columns}")


def inlined(page: str) -> dict[str, Any]:
    """The manifest and catalog in a page, without what says when dbt ran, and where in the page they end."""
    found: dict[str, Any] = {}
    for name in ("manifest", "catalog"):
        begins = page.index(f"{name}:{{", found.get("end", 0)) + len(name) + 1
        found[name], found["end"] = json.JSONDecoder().raw_decode(page, begins)
        del found[name]["metadata"]
    return found


def of_the_page(entries: dict[str, Any]) -> dict[str, Any]:
    """Entries of a manifest without times, and without what only a run knows: the SQL and where it was written to."""
    passing = ("created_at", "build_path", "depends_on", "extra_ctes", "extra_ctes_injected")
    return {
        name: {key: value for key, value in entry.items() if key not in passing and "compiled" not in key}
        for name, entry in entries.items()
    }


def test_without_a_build_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path))
    assert main([]) == 1
    assert "nothing is built yet; run make build first" in capsys.readouterr().err
    assert main(["K=3"]) == 1
    assert "make docs takes no parameters" in capsys.readouterr().err
