import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dnaf.report.board import Board, compare
from dnaf.report.tables.latex import escape, to_latex
from tests.helpers.scored_methods import OUTFITS, UNPUBLISHED, absent, array, present
from tests.report.tables.test_leaderboard import board

TITLE = r"50 % of A&B_{#1} ~ $x^2$ \ <y> | z"
WORDS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
}


def printed(text: str) -> str:
    """What LaTeX prints for escaped text; fails on a character that would be a command."""
    token = re.compile(r"\\text[a-z]+\{\}|\\[&%$#_{}]|[^\\&%$#_{}~^<>|]")
    tokens = token.findall(text)
    assert "".join(tokens) == text
    return "".join(WORDS.get(token, token[-1]) for token in tokens)


def odd_titles() -> Board:
    made = board("cfld", title=TITLE)
    made.rows[1].numbers["kid"] = -0.00012
    return made


def rows_of(text: str) -> list[list[str]]:
    """Cells of all rows of all tables, the header first."""
    rows = [line.strip() for line in text.splitlines() if " & " in line and r"\caption" not in line]
    assert all(row.endswith(r" \\") for row in rows)
    return [re.split(r"(?<!\\)&", row.removesuffix(r" \\")) for row in rows]


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_every_character_is_printed_as_it_stands(text: str) -> None:
    assert printed(escape(text)) == text


def test_braces_environments_and_rows_are_complete() -> None:
    cards = UNPUBLISHED | {"gfla": UNPUBLISHED["gfla"].model_copy(update={"title": TITLE})}
    text = to_latex([odd_titles(), board("gfla")], cards)
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert re.sub(r"\\\\|\\[{}]", "", code).count("{") == re.sub(r"\\\\|\\[{}]", "", code).count("}")
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([^}]*)\}", code):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\$", code)) % 2 == 0
    num_columns = [len(spec) for spec in re.findall(r"\\begin\{tabular\}\{([lr]+)\}", code)]
    assert [len(cells) for cells in rows_of(code)] == [num_columns[0]] * 4 + [num_columns[1]] * 4
    assert code.count(r"\toprule") == code.count(r"\bottomrule") == 2


def test_titles_are_escaped() -> None:
    cards = UNPUBLISHED | {"gfla": UNPUBLISHED["gfla"].model_copy(update={"title": TITLE})}
    text = to_latex([odd_titles()], cards)
    assert escape(TITLE) + " (CVPR 2020)" in text
    assert rf"\caption{{{escape(TITLE)}. 6 test pairs, 64x48 pixels." in text
    assert TITLE not in text


def test_best_is_bold_and_noise_and_trivial_baselines_are_marked_and_explained() -> None:
    text = to_latex([board()], UNPUBLISHED)
    header, dnaf, gfla, copies = [[cell.strip() for cell in row] for row in rows_of(text)]
    assert header[1] == r"\shortstack[r]{FD-\\EfficientNet $\downarrow$}"
    assert dnaf == ["DNAF (ICME 2024)", "3.00", r"\textbf{0.5000}", r"+25 \%"]
    assert gfla == ["GFLA (CVPR 2020)", "5.00", r"0.4500\rlap{$^{\approx}$}", ""]
    assert copies == ["Copy source", r"1.00\rlap{$^{\dagger}$}", "0.4000", ""]
    assert "Best method in bold, unless copying or averaging is better. " in text
    assert r"$\approx$: within noise of the best. $\dagger$: no method, but" in text


def test_marks_that_do_not_occur_are_not_explained() -> None:
    rows = [present("copy_source", {"l1": 0.5})]
    text = to_latex([compare("cfld", rows, {"copy_source": {"l1": array(0.5)}}, ["a"])], UNPUBLISHED)
    assert "bold" not in text
    assert "approx" not in text
    assert "dagger" not in text


def test_a_minus_is_no_hyphen() -> None:
    made = odd_titles()
    negative = compare("cfld", made.rows, {method: {} for method in ("dnaf", "gfla", "copy_source")}, OUTFITS)
    assert r"$-$0.00012" in to_latex([negative], UNPUBLISHED)


def test_methods_without_results_are_left_out_and_a_protocol_without_any_has_no_table() -> None:
    assert "PIDM" not in to_latex([board()], UNPUBLISHED)
    empty = replace(board(), rows=[absent("pidm")], columns=[], marks={})
    assert to_latex([empty], UNPUBLISHED) == "% Needs \\usepackage{booktabs}.\n"
