"""README and docs: their SQL runs, their links lead somewhere, their commands exist, and they keep their length."""

import re
from pathlib import Path

import pytest

from tests.support.builds import REPO, query

PAGES = [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").glob("*.md"))]
# Pages whose SQL is for the published file.
WITH_SQL = [REPO / "README.md", REPO / "docs" / "sql-cookbook.md"]
LONGEST = {"README.md": 180, "CONTRIBUTING.md": 120}
NAMES = [str(page.relative_to(REPO)) for page in PAGES]


@pytest.mark.parametrize("page", WITH_SQL, ids=lambda page: page.name)
def test_questions_in_sql_give_rows_with_the_columns_that_are_printed(sample_build: Path, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```(?:\n\n```text\n(.*?)\n)?", text, flags=re.DOTALL)
    assert len(blocks) == text.count("```sql") >= 5
    for sql, header in blocks:
        answer = query(sample_build, sql)
        assert len(answer) > 0, sql
        assert not header or header.split() == list(answer.columns), sql


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {
                re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads
            }


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_make_targets_and_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(
        re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert set(re.findall(r"`make ([a-z][a-z-]*)", text)) <= targets
    assert set(re.findall(r"^make ([a-z][a-z-]*)", text, flags=re.MULTILINE)) <= targets
    for path in re.findall(r"`((?:scripts|python_models|dbt_project|tests|docs)/[\w./]+\.\w+)`", text):
        assert (REPO / path).exists(), path


@pytest.mark.parametrize("name", LONGEST)
def test_what_a_newcomer_reads_stays_short(name: str) -> None:
    assert len((REPO / name).read_text(encoding="utf-8").splitlines()) <= LONGEST[name]
