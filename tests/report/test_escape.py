"""Titles and names of other people are shown as they are, in every form of the table."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt
from pydantic import ValidationError

from dnaf.evaluate.submissions.method_card import Card
from dnaf.report import escape
from dnaf.report.tables.latex import escape as latex
from dnaf.report.tables.leaderboard import to_markdown
from tests.helpers.scored_methods import CARDS
from tests.report.tables.test_leaderboard import board

HOSTILE = [
    "a|b",
    "[click](https://evil.example)",
    "![x](https://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "**bold** _em_ `code` ~~gone~~",
    "https://evil.example and www.evil.example",
    "<https://evil.example>",
    "# title",
    "&lt;b&gt; &#x41;",
    "a\\",
    "=1+1",
    "$x$ 50 % \\input{/etc/passwd}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_a_title_as_it_is(text: str) -> None:
    html = (
        MarkdownIt("gfm-like", {"linkify": False})
        .enable("table")
        .render(f"| {escape.markdown(text)} | 1 |\n| --- | --- |\n")
    )
    cells = re.findall(r"<th>(.*?)</th>", html)
    assert len(cells) == 2
    assert "<" not in cells[0]
    assert unescape(cells[0]) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_the_leaderboard_keeps_its_columns_whatever_a_title_is(text: str) -> None:
    card = CARDS["gfla"].model_copy(update={"title": text})
    tables = re.findall(r"(?:^\|.*\n)+", to_markdown([board()], {**CARDS, "gfla": card}), re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "https://x) [y](https://evil.example", "data:text/html,x", "https://a b"],
)
def test_what_is_no_address_is_no_link(address: str) -> None:
    assert escape.link("GFLA", address) == "GFLA"
    assert escape.link("GFLA", "https://github.com/a/b") == "[GFLA](https://github.com/a/b)"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_computes_no_name(text: str) -> None:
    assert escape.cell(text) == f"'{text}"
    assert escape.cell("dnaf (cfld)") == "dnaf (cfld)"


def test_latex_keeps_a_title_on_its_row() -> None:
    assert latex("one\ntwo \\\\ & three") == (r"one two \textbackslash{}\textbackslash{} \& three")


@pytest.mark.parametrize(
    "title", ["one\ntwo", "a\x1b[31m", "a\u202eb", "a\u2028b", " a", "", "x" * 301, "a\x85b"]
)
def test_a_card_says_its_title_on_one_line(title: str) -> None:
    values = {**CARDS["gfla"].model_dump(), "title": title}
    with pytest.raises(ValidationError, match="title"):
        Card.model_validate(values)
