from markdown_it import MarkdownIt

from dnaf.core import markdown


def test_a_table_has_a_line_for_heads_rule_and_each_row() -> None:
    assert markdown.table(["", "a"], [["x", "1"], ["y", "2"]], "lr") == (
        "|  | a |\n| :-- | --: |\n| x | 1 |\n| y | 2 |"
    )
    assert markdown.table(["a", "b"], []) == "| a | b |\n| --- | --- |"


def test_bars_and_line_breaks_stay_in_their_cell() -> None:
    rendered = MarkdownIt().enable("table").render(markdown.table(["a"], [["x | y\nz"]]))
    assert "<td>x | y z</td>" in rendered
