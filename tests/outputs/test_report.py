"""The report, in a real browser: it draws, links lead somewhere, nothing is loaded, and it fits a phone."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.outputs.report.charts import heat
from scripts.outputs.report.page import REPORT, write_report
from scripts.report import main
from tests.support.browser import show
from tests.support.builds import query, run_command


@pytest.fixture(scope="module")
def page(real_build: Path) -> Path:
    """The report that the build on the real file wrote."""
    return real_build.parent / REPORT


@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_it_draws_without_complaint_and_fits(browser: Any, page: Path, width: int, dark: bool) -> None:
    show(browser, page, width, dark)
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('figure .chart')].map(s => [s.clientWidth, s.clientHeight,"
        " s.querySelectorAll('rect,line,circle,polygon,i').length])"
    )
    # Size times value, range, parts, three curves, two maps.
    assert len(sizes) == 8
    assert all(w > 200 and h > 80 and marks > 12 for w, h, marks in sizes)


def test_nothing_is_loaded_and_no_script_runs(browser: Any, page: Path) -> None:
    show(browser, page)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=[\"'](?!#|data:,)", text)


def test_links_lead_somewhere_and_ids_are_one_of_a_kind(page: Path) -> None:
    links: list[str] = []
    ids: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            given = dict(attributes)
            if tag == "a" and given.get("href"):
                links.append(str(given["href"]).removeprefix("#"))
            if given.get("id"):
                ids.append(str(given["id"]))

    Reader().feed(page.read_text(encoding="utf-8"))
    assert len(links) > 8
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(browser: Any, page: Path, dark: bool) -> None:
    """Contrast of 4.5 and more (WCAG AA) for text, softer text, links and warnings, and of a chart's labels."""
    show(browser, page, dark=dark)
    pairs = browser.execute_script(
        "const s = getComputedStyle(document.documentElement);"
        "const v = n => s.getPropertyValue(n).trim();"
        "return [[v('--ink'), v('--paper')], [v('--soft'), v('--paper')], [v('--soft'), v('--panel')],"
        " [v('--link'), v('--paper')], [v('--warn'), v('--warn-paper')], [v('--good'), v('--good-paper')]]"
    )
    for ink, ground in pairs:
        assert contrast(ink, ground) >= 4.5, (ink, ground)
    colours = browser.execute_script(
        "const t = document.querySelector('figure .plot i');"
        "return [getComputedStyle(t).color, getComputedStyle(document.body).color]"
    )
    assert colours[0] == colours[1]


@pytest.mark.parametrize("z", [-3, -2, -1.2, -0.6, 0, 0.6, 1, 1.3, 2, 9])
def test_numbers_of_the_heatmap_stand_out_from_its_colours(z: float) -> None:
    ground, ink = heat(z)
    assert contrast(ground, ink) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours written as #rrggbb."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_keyboard_reaches_links_tables_and_details(browser: Any, page: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, page)
    seen = []
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(browser.execute_script("return document.activeElement.tagName"))
    assert {"A", "SUMMARY", "DIV"} <= set(seen)
    closed = browser.find_element(By.CSS_SELECTOR, "details")
    closed.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert closed.get_attribute("open") == "true"


def test_every_chart_has_words_for_who_cannot_see_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    figures = re.findall(r'<div role="img" aria-label="([^"]+)">', text)
    assert len(figures) == 8
    assert "1 Cash-advance borrowers, 2,394, 27%" in figures[0]
    # What is drawn holds no words of its own, which a font could cut.
    assert "<text" not in text


def test_a_reader_of_the_page_alone_learns_what_matters(page: Path, real_build: Path) -> None:
    """What each segment is, how large, worth what, what to offer, how to tell whether it worked."""
    text = page.read_text(encoding="utf-8").replace("&#39;", "'").replace("&lt;", "<").replace("&amp;", "&")
    facts = query(
        real_build,
        "from marts.segment_profiles inner join marts.segment_values using (segment_id)"
        " inner join marts.segment_playbook using (segment_id) inner join marts.segment_rules using (segment_id)"
        " where rule = 0",
    )
    assert len(facts) == 6
    for row in facts.itertuples():
        for words in (
            row.segment_name, row.description, row.traits, f"{row.customers:,}", row.objective, row.offer,
            row.avoid, row.success_measure, row.rule_text, f"{row.precision_share:.0%}",
            f"USD {row.value_base:,.0f}".replace("-", "\N{MINUS SIGN}"),
        ):  # fmt: skip
            assert words in text, words
    for assumption in query(real_build, "from marts.value_assumptions")["reference"]:
        assert assumption in text
    assert query(real_build, "from marts.model_runs")["model_id"].iloc[-1] in text


def test_it_prints(browser: Any, page: Path) -> None:
    """A PDF of some pages, in which everything is open."""
    import base64

    show(browser, page)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    closed = "return [...document.querySelectorAll('details > :not(summary)')].filter(e => !e.checkVisibility()).length"
    assert browser.execute_script(closed) == 0
    triangle = "return getComputedStyle(document.querySelector('.segment .name'), '::before').content"
    assert browser.execute_script(triangle) == '""'
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page[^s]", content)) <= 20


def test_make_report_writes_it_again(page: Path, real_build: Path) -> None:
    before = page.read_text(encoding="utf-8")
    page.unlink()
    done = run_command(real_build.parent, "scripts.report")
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8") == before


def test_without_a_build_there_is_nothing_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path))
    assert main([]) == 1


def test_a_file_of_an_earlier_version_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(tmp_path / "card_segments.duckdb")) as connection:
        connection.execute("create schema marts; create table marts.words (key varchar, text varchar)")
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path))
    assert main([]) == 1
    assert "has no segment_rules, so an earlier version of the job built it" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_leaves_the_one_before(
    real_build: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(UserError, match="No space left"):
        write_report(real_build, real_build.parent)
    assert page.read_bytes() == before
    assert not list(page.parent.glob(".partial-*"))
