"""The deck: charts that can be edited, numbers of the tables, whole or not at all; LibreOffice opens it and nothing is cut."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pptx import Presentation
from pptx.util import Emu

from scripts.base.errors import UserError
from scripts.base.paths import SLIDES
from scripts.outputs.slides.deck import write_slides
from scripts.slides import main
from tests.support.builds import query
from tests.support.libreoffice import Convert

IMPRESS = Path("/usr/lib/libreoffice/program/libsdlo.so")


@pytest.fixture(scope="module")
def deck(real_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slides(real_build, tmp_path_factory.mktemp("slides"))


def texts(slide: object) -> str:
    """All that stands on a slide, its tables' cells too."""
    found = []
    for shape in slide.shapes:  # type: ignore[attr-defined]
        if shape.has_text_frame:
            found.append(shape.text_frame.text)
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(found)


def test_its_charts_hold_the_tables_numbers(deck: Path, real_build: Path) -> None:
    slides = Presentation(str(deck)).slides
    assert 7 <= len(slides) <= 9
    charts = [[shape.chart for shape in slide.shapes if shape.has_chart] for slide in slides]
    profiles = query(real_build, "from marts.segment_profiles order by segment_id")
    (sizes,) = charts[1]
    assert list(sizes.plots[0].series[0].values) == profiles["customers"].tolist()
    assert list(sizes.plots[0].categories) == [
        f"{each.segment_id} {each.segment_name}" for each in profiles.itertuples()
    ]
    values = query(real_build, "from marts.segment_values order by segment_id")
    (worth,) = charts[2]
    for series, case in zip(worth.plots[0].series, ("low", "base", "high"), strict=True):
        assert list(series.values) == values[f"value_{case}"].round().tolist()
    # Those that earn most, are most at risk, and whose play comes first.
    assert sum(map(len, charts)) >= 4


def test_titles_say_what_is_found_and_plays_their_verdict(deck: Path, real_build: Path) -> None:
    slides = list(Presentation(str(deck)).slides)
    assert all(slide.shapes.title.text_frame.text for slide in slides)
    total = query(real_build, "select sum(total_base) as n from marts.segment_values")["n"][0]
    assert f"USD {total:,.0f} a year" in slides[0].shapes.title.text_frame.text
    best = query(real_build, "from marts.segment_values order by total_base desc limit 1").iloc[0]
    assert slides[2].shapes.title.text_frame.text.startswith(f"{best['segment_name']} earn ")
    said = texts(slides[-2])
    plays = query(real_build, "from marts.segment_playbook order by play_rank")
    places = [said.index(f"{play.segment_id} {play.segment_name}") for play in plays.itertuples()]
    assert places == sorted(places), "in the order of play_rank"
    assert said.count("loses money") == (plays["verdict"] == "loses_money").sum()
    assert "cannot say" in texts(slides[0]) and "Never select by sex" in texts(slides[-1])
    assert all("segment_" in slide.notes_slide.notes_text_frame.text for slide in slides[:-1])


def test_nothing_stands_beyond_a_slide(deck: Path) -> None:
    presentation = Presentation(str(deck))
    for slide in presentation.slides:
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.top >= 0, shape.name
            assert shape.left + shape.width <= presentation.slide_width, shape.name
            assert shape.top + shape.height <= presentation.slide_height + Emu(1), shape.name


@pytest.mark.skipif(not IMPRESS.exists(), reason="LibreOffice has no Impress here (libreoffice-impress)")
@pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext is not installed (poppler-utils)")
def test_libreoffice_opens_it_and_every_word_is_on_a_page(deck: Path, convert: Convert) -> None:
    """What runs over a slide's lower edge is not on the page that is printed of it."""
    printed = subprocess.run(
        ["pdftotext", "-layout", str(next(convert(deck, "pdf").iterdir())), "-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    pages = printed.split("\f")[:-1]
    slides = list(Presentation(str(deck)).slides)
    assert len(pages) == len(slides)
    for page, slide in zip(pages, slides, strict=True):
        there = set(page.split())
        assert not set(texts(slide).split()) - there, page


def test_a_folder_that_cannot_be_written_is_a_sentence(real_build: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=SLIDES):
        write_slides(real_build, tmp_path / "nowhere")


def test_the_command_says_where_they_are(
    real_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = shutil.copytree(real_build.parent, tmp_path / "warehouse", symlinks=True)
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(warehouse))
    assert main([]) == 0
    assert str(warehouse / SLIDES) in capsys.readouterr().out
    assert (warehouse / SLIDES).exists()
    assert main(["COLOUR=red"]) == 1
    assert "COLOUR" in capsys.readouterr().err
