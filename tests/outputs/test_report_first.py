"""The report answers first, in numbers of the tables; its labels are whole in any font; two pages to print; languages."""

import html
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.base.paths import REPORT, REPORT_PDF
from scripts.outputs.report import meeting
from scripts.outputs.report.charts import ticks, worth
from scripts.outputs.report.page import write_report
from scripts.outputs.report.segments import LOOKED_AT
from scripts.report import main
from tests.support.browser import show
from tests.support.builds import query

MINUS = "\N{MINUS SIGN}"
# Of each word that charts and lines of segments show: where it stands, and whether its own room cuts it.
LABELS = """
const found = [];
for (const chart of document.querySelectorAll('.chart, .segment > summary')) {
  const walker = document.createTreeWalker(chart, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const own = walker.currentNode.parentElement, style = getComputedStyle(own);
    if (!walker.currentNode.data.trim() || style.visibility === 'hidden' || !own.checkVisibility()) continue;
    const range = document.createRange(); range.selectNodeContents(walker.currentNode);
    for (const box of range.getClientRects()) {
    let cut = false, scrolls = false;
    for (let up = own; up; up = up.parentElement) {
      const rim = up.getBoundingClientRect(), flow = getComputedStyle(up).overflowX;
      if (flow === 'auto' || flow === 'scroll') scrolls = true;
      else if (flow !== 'visible' && (box.right > rim.right + 1 || box.left < rim.left - 1)) cut = true;
    }
    found.push({text: walker.currentNode.data.trim(), chart: [...document.querySelectorAll('.chart, .segment > summary')].indexOf(chart),
      left: box.left, right: box.right, top: box.top, bottom: box.bottom, cut, scrolls,
      apart: !own.matches('.area > .number') });
    }
  }
}
return found;
"""


@pytest.fixture(scope="module")
def page(real_build: Path) -> Path:
    """The report that the build on the real file wrote."""
    return real_build.parent / REPORT


def text_of(part: str) -> str:
    """What a reader sees of a part of the page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", part)))


def whole(number: float) -> str:
    """A number as the page writes it."""
    return f"{number:,.0f}".replace("-", MINUS)


def test_the_first_screen_says_what_the_tables_say(page: Path, real_build: Path) -> None:
    shown = page.read_text(encoding="utf-8")
    header = text_of(shown[shown.index("<header>") : shown.index("</header>")])
    values = query(real_build, "from marts.segment_values order by segment_id")
    profiles = query(real_build, "from marts.segment_profiles order by segment_id")
    low, base, high = (values[f"total_{case}"].sum() for case in ("low", "base", "high"))
    assert (
        f"{profiles['customers'].sum():,} customers, worth USD {whole(base)} a year"
        f" (cautious {whole(low)}, favourable {whole(high)})" in header
    )
    best = values.loc[values["total_base"].idxmax()]
    share = profiles.set_index("segment_id")["customer_share"][best["segment_id"]]
    assert (
        f"{best['segment_name']} earn the most: {share:.0%} of the customers and {best['share_of_total']:.0%} of the"
        f" value, USD {whole(best['total_base'])} a year." in header
    )
    worst = values.loc[values["behind_share"].idxmax()]
    losses = -(values["expected_loss"] * values["customers"]).sum()
    assert (
        f"{worst['segment_name']} are most at risk: {worst['behind_share']:.0%} of them are behind on payments."
        f" Of all customers, losses of USD {whole(losses)} a year are expected." in header
    )
    first = query(real_build, "from marts.segment_playbook where play_rank = 1").iloc[0]
    assert first["verdict"] != "worth_testing"
    assert (
        f"No play is worth a test as it stands; {first['segment_name']} come nearest. {first['objective']}"
        f" {first['verdict_words']}" in header
    )
    assert len(re.findall(r"<li>", shown[: shown.index("</header>")])) == 3
    assert "What the data cannot say: whether people respond." in header


def test_each_segment_is_a_line_of_the_tables_numbers(page: Path, real_build: Path) -> None:
    shown = page.read_text(encoding="utf-8")
    facts = query(
        real_build,
        "from marts.segment_profiles inner join marts.segment_values using (segment_id)"
        " inner join marts.segment_playbook using (segment_id) order by segment_id",
    )
    lines = re.findall(r'<details class="segment".*?<summary>(.*?)</summary>', shown, flags=re.DOTALL)
    assert len(lines) == len(facts) == 6
    for line, row in zip(map(text_of, lines), facts.itertuples(), strict=True):
        for words in (
            row.segment_name, f"{row.customer_share:.0%} {row.customers:,} customers", f"USD {whole(row.value_base)}",
            f"{whole(row.value_low)} to {whole(row.value_high)}", f"USD {whole(row.total_base)}",
            {"worth_testing": "worth testing", "too_small": "too small to tell", "loses_money": "loses money"}[row.verdict],
        ):  # fmt: skip
            assert words in line, words


def test_plays_stand_in_their_order_with_what_they_cost_and_bring(page: Path, real_build: Path) -> None:
    shown = page.read_text(encoding="utf-8")
    section = shown[shown.index('<section id="plays">') :]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", section[: section.index("</section>")], re.DOTALL)
    plays = query(real_build, "from marts.segment_playbook order by play_rank")
    assert len(rows) == len(plays) == 6
    for cells, play in zip(map(text_of, rows), plays.itertuples(), strict=True):
        assert cells.startswith(f"{play.segment_id} {play.segment_name}")
        for words in (
            play.verdict_words, f"{play.contacts:,} {play.held_out:,} held out", whole(play.expected_cost),
            f"{play.expected_responders:.0f} {play.additional_responders:.0f} by the offer",
            f"expected {100 * play.expected_uplift:.1f} points", f"{100 * play.smallest_uplift:.1f} points",
            f"{play.customers_needed:,} customers needed",
        ):  # fmt: skip
            assert words in cells, words


def test_what_holds_for_all_plays_is_said_once(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("Never select by sex") == 1


def test_a_segment_says_what_it_borders_on(page: Path, real_build: Path) -> None:
    shown = text_of(page.read_text(encoding="utf-8"))
    for row in query(
        real_build,
        "select segment_id, silhouette, mode(runner_up_segment_id) as other from marts.segment_profiles"
        " inner join marts.customer_segments using (segment_id) where status = 'segmented' group by all",
    ).itertuples():
        name = query(
            real_build, f"select segment_name from marts.segment_profiles where segment_id = {row.other}"
        )
        words = (
            "hard to tell apart from"
            if row.silhouette < 0.1
            else "borders on"
            if row.silhouette < 0.25
            else "stands apart; next to it is"
        )
        assert (
            f"Silhouette {row.silhouette:.2f}: {words} {name['segment_name'].iloc[0]}".replace(
                "-", MINUS, int(row.silhouette < 0)
            )
            in shown
        )


def test_the_middle_of_a_feature_is_that_of_its_customers(page: Path, real_build: Path) -> None:
    """With fewer customers than are looked at, each counts."""
    shown = page.read_text(encoding="utf-8")
    facts = query(
        real_build,
        "select quantile_cont(credit_limit, [0.25, 0.5, 0.75]) as own, count(*) as n from marts.customer_features"
        " inner join marts.customer_segments using (customer_id) where segment_id = 1",
    ).iloc[0]
    assert facts["n"] < LOOKED_AT
    segment = shown[shown.index('id="segment-1"') : shown.index('id="segment-2"')]
    assert re.search(
        rf"credit limit.*? {facts['own'][1]:,.0f} {facts['own'][0]:,.0f} to {facts['own'][2]:,.0f}",
        text_of(segment),
    )
    assert segment.count('<svg class="box"') == 17


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("font", ["monospace", "serif"])
def test_labels_are_whole_and_apart_in_any_font(browser: Any, page: Path, width: int, font: str) -> None:
    show(browser, page, width)
    browser.execute_script(
        "document.querySelectorAll('details').forEach(each => each.open = true);"
        f"document.head.insertAdjacentHTML('beforeend', '<style>* {{ font-family: {font} !important; }}</style>')"
    )
    labels = browser.execute_script(LABELS)
    assert len(labels) > 150
    assert cut(labels, width) == []
    assert overlapping(labels) == []
    # And what is cut, or written over another, is found.
    browser.execute_script(
        "document.head.insertAdjacentHTML('beforeend', '<style>.lines .name { width: 2rem; overflow: hidden;"
        " white-space: nowrap; } .plot .xs i { left: 50% !important; }</style>')"
    )
    spoiled = browser.execute_script(LABELS)
    assert cut(spoiled, width) and overlapping(spoiled)


def cut(labels: list[dict[str, Any]], width: int) -> list[str]:
    """Labels that do not stand within their room, or within the window."""
    return [
        each["text"]
        for each in labels
        if each["cut"] or (not each["scrolls"] and (each["left"] < -1 or each["right"] > width + 1))
    ]


def overlapping(labels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Labels of a chart that stand on each other; numbers on a map stand where the customers are."""
    found = []
    charts: dict[int, list[dict[str, Any]]] = {}
    for each in labels:
        if each["apart"]:
            charts.setdefault(each["chart"], []).append(each)
    for own in charts.values():
        for place, one in enumerate(own):
            for other in own[place + 1 :]:
                across = min(one["right"], other["right"]) - max(one["left"], other["left"])
                down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
                if across > 1 and down > 4:
                    found.append((one["text"], other["text"]))
    return found


def test_numbers_of_narrow_segments_stand_in_lines_of_their_own() -> None:
    import pandas as pd

    names = [f"{number} Segment" for number in range(1, 13)]
    frame = pd.DataFrame(
        {"name": names, "customers": [500] + [10] * 11, "value": [1.0] * 11 + [float("nan")]}
    )
    drawn = worth(
        frame, ("", ""), lambda value, places: f"{value:.{places}f}", dict.fromkeys(names, "#000000")
    )
    places = [
        (float(left), float(top))
        for left, top in re.findall(r'<i style="left:([\d.]+)%;top:([\d.]+)em">', drawn)
    ]
    assert len(places) == 12
    for place, (left, top) in enumerate(places):
        assert all(top != other_top or abs(left - other) >= 6 for other, other_top in places[:place])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1000, ([0, 250, 500, 750, 1000], 0)),
        (-31, 66, ([-25, 0, 25, 50], 0)),
        (0.11, 0.29, ([0.15, 0.2, 0.25], 2)),
        (5, 5, ([5], 0)),
        # What rounding leaves of a component that nobody differs in.
        (-1e-17, 3e-16, ([0], 0)),
        (1e12, 1e12 + 1e-4, ([1e12], 0)),
    ],
)
def test_scales_have_round_numbers(low: float, high: float, expected: tuple[list[float], int]) -> None:
    assert ticks(low, high, 4) == expected


def test_what_is_not_known_is_said_so(real_build: Path, tmp_path: Path) -> None:
    """As of an input without limits and minimum payments: no values, no one behind, a feature that nobody has."""
    published = tmp_path / "published.duckdb"
    published.write_bytes(real_build.read_bytes())
    with duckdb.connect(str(published)) as connection:
        for table, columns in {
            "segment_values": ("value_base", "total_base", "share_of_total", "behind_share", "expected_loss"),
            "segment_playbook": (
                "value_per_responder",
                "expected_net",
                "break_even_uplift",
                "smallest_uplift",
            ),
            "segment_profiles": ("silhouette",),
            "customer_features": ("minimum_payments",),
        }.items():
            for column in columns:
                connection.execute(f"update marts.{table} set {column} = null")
        connection.execute("update marts.segment_playbook set verdict = 'unknown'")
    shown = write_report(published, tmp_path).read_text(encoding="utf-8")
    header = text_of(shown[shown.index("<header>") : shown.index("</header>")])
    assert "8,950 customers in 6 segments; what they are worth is not known" in header
    assert header.count("No play is worth a test as it stands") == 1 and "most at risk" not in header
    assert shown.count('<svg class="box"') == 16 * 6
    assert "Silhouette 0" not in shown
    assert not re.search(r"\b(nan|NaN|None|NaT|inf)\b", text_of(shown))


def test_two_pages_for_a_meeting(browser: Any, real_build: Path, tmp_path: Path) -> None:
    path = meeting.write_meeting(real_build, tmp_path)
    assert path == tmp_path / REPORT_PDF
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) == 2
    assert [each.name for each in tmp_path.iterdir()] == [REPORT_PDF]


def test_without_a_browser_nothing_is_printed(
    real_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(real_build.parent))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["FORMAT=pdf"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "FORMAT=pdf: Chromium prints it, and none of chromium, " in said
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    before = tmp_path / REPORT_PDF
    before.write_text("of before")
    with pytest.raises(
        UserError, match=r"chromium printed nothing \(exit code 3\); open the report and print it"
    ):
        meeting.write_meeting(real_build, tmp_path)
    assert before.read_text() == "of before"


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("FORMAT=docx", "FORMAT=docx: expected pdf, or nothing."),
        ("LANGUAGE=xx", "LANGUAGE=xx: expected one of en, id."),
        ("LANGUAGE=../en", "LANGUAGE=../en: expected one of en, id."),
        ("K=3", "K=3: expected one of FORMAT=, LANGUAGE="),
    ],
)
def test_what_it_cannot_do_is_one_sentence(
    real_build: Path,
    argument: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(real_build.parent))
    assert main([argument]) != 0
    assert sentence in capsys.readouterr().err


def test_another_language_of_what_is_published(real_build: Path, tmp_path: Path) -> None:
    other = write_report(real_build, tmp_path, "id").read_text(encoding="utf-8")
    assert '<html lang="id">' in other
    header = text_of(other[other.index("<header>") : other.index("</header>")])
    assert "nasabah, bernilai" in header and "tetap dalam bahasa saat dibangun, en." in header
    base = query(real_build, "select sum(total_base) as base from marts.segment_values")["base"].iloc[0]
    assert f"USD {base:,.0f}".replace(",", ".") in header
    same = write_report(real_build, tmp_path, "en").read_text(encoding="utf-8")
    assert '<html lang="en">' in same and "bahasa" not in same
