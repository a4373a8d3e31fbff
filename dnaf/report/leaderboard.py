"""The table of all methods, for people (Markdown) and for `dvc plots` (CSV)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dnaf.evaluate.inputs import COPY_SOURCE, MEAN_IMAGE
from dnaf.report.card import Card
from dnaf.report.methods import MethodMetrics

NOT_SUPPLIED = "not supplied"


@dataclass(frozen=True)
class _Column:
    key: str
    label: str
    decimals: int
    higher_is_better: bool

    @property
    def header(self) -> str:
        return f"{self.label} {'↑' if self.higher_is_better else '↓'}"


_COLUMNS = (
    _Column("fid", "FID", 2, False),
    _Column("fid_random", "FID (random network)", 2, False),
    _Column("lpips", "LPIPS", 4, False),
    _Column("lpips_random", "LPIPS (random network)", 4, False),
    _Column("ssim", "SSIM (window 51)", 4, True),
    _Column("ssim_gaussian", "SSIM (gaussian)", 4, True),
    _Column("psnr", "PSNR, dB", 2, True),
    _Column("l1", "L1", 4, False),
)
_WRONG_SOURCE = "wrong_source_increase"


def to_table(rows: Sequence[MethodMetrics]) -> pd.DataFrame:
    """One row a present method: column `method` and its numbers, empty where it lacks one."""
    present = [{"method": row.method, **row.numbers} for row in rows if row.is_present]
    return pd.DataFrame(present, columns=None if present else ["method"])


def to_markdown(rows: Sequence[MethodMetrics], cards: Mapping[str, Card]) -> str:
    """The leaderboard: all methods in the given order, best values in bold, 95 % intervals, and the protocol.

    Args:
        cards: the card of each method.
    """
    table = to_table(rows).set_index("method")
    columns = [column for column in _COLUMNS if column.key in table]
    has_wrong_source = _WRONG_SOURCE in table
    headers = ["Method", *(column.header for column in columns)]
    if has_wrong_source:
        headers.append("L1 with the wrong source")
    lines = [_line(headers), _line([":--", *["--:"] * (len(headers) - 1)])]
    for row in rows:
        if row.is_present:
            cells = [_cell(table, row.method, column) for column in columns]
            if has_wrong_source:
                cells.append(_increase(table, row.method))
        else:
            cells = [NOT_SUPPLIED, *[""] * (len(headers) - 2)]
        lines.append(_line([_name(cards[row.method]), *cells][: len(headers)]))
    text = [
        "# Leaderboard",
        _protocol_sentence(rows),
        "\n".join(lines),
        *_notes(rows, columns, has_wrong_source),
    ]
    return "\n\n".join(text) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _name(card: Card) -> str:
    title = card.title.replace("|", "\\|")
    linked = f"[{title}]({card.repository})" if card.repository else title
    return f"{linked} ({card.paper.venue} {card.paper.year})" if card.paper else linked


def _cell(table: pd.DataFrame, method: str, column: _Column) -> str:
    values = table[column.key].astype(float)
    value = values[method]
    if pd.isna(value):
        return ""
    text = f"{value:.{column.decimals}f}"
    best = values.max() if column.higher_is_better else values.min()
    if text == f"{best:.{column.decimals}f}":
        text = f"**{text}**"
    if f"{column.key}_low" in table:
        low, high = (table[f"{column.key}_{end}"].astype(float)[method] for end in ("low", "high"))
        text += f" [{low:.{column.decimals}f}, {high:.{column.decimals}f}]"
    return text


def _increase(table: pd.DataFrame, method: str) -> str:
    value = table[_WRONG_SOURCE].astype(float)[method]
    return "" if pd.isna(value) else f"{100 * value:+.0f} %"


def _protocol_sentence(rows: Sequence[MethodMetrics]) -> str:
    present = [row for row in rows if row.is_present]
    if not present:
        return f"No method has results; {rows[0].numbers['num_expected']:,} pairs are to be scored."
    protocol = present[0].protocol
    sentence = (
        f"Protocol `{protocol['name']}`: {present[0].numbers['num_expected']:,} test pairs, all scored, at "
        f"{protocol['image_size']} pixels (height x width), compared as stored. FID against "
        f"{protocol['real_set']['count']:,} images: {protocol['fid_real']}."
    )
    resamplings = protocol["bootstrap"]["num_resamplings"]
    if resamplings:
        sentence += f" In brackets: {protocol['interval']}, {resamplings:,} resamplings; FID has none."
    return sentence + " Best values in bold."


def _notes(rows: Sequence[MethodMetrics], columns: Sequence[_Column], has_wrong_source: bool) -> list[str]:
    notes = []
    if any(column.key.endswith("_random") for column in columns):
        notes.append(
            "**Random network**: without weight files (`evaluate.inception_weights`, "
            "`evaluate.alexnet_weights`) these metrics use seeded random weights and are called `fid_random` "
            "and `lpips_random`. They order the methods of this table; they cannot be compared with any "
            "published FID or LPIPS."
        )
    present = [row for row in rows if row.is_present]
    if present and present[0].protocol["fid_rank_deficient"]:
        notes.append(
            "FID rests on fewer images than its network has features (2,048): it is larger than it would be "
            "with many, and only comparable at this number of images."
        )
    if {COPY_SOURCE, MEAN_IMAGE} & {row.method for row in present}:
        notes.append(
            "Copying the source and the mean of the training images are no methods but the floor: a method "
            "that is not clearly better has learnt nothing. Copies have a small FID because they are "
            "photographs of the same outfits."
        )
    if has_wrong_source:
        notes.append(
            "**L1 with the wrong source**: by how much L1 rises when the source of another outfit is given; "
            "near zero means that the source is ignored."
        )
    absent = [row.method for row in rows if not row.is_present]
    if absent:
        notes.append(
            f"**{NOT_SUPPLIED.capitalize()}**: "
            + ", ".join(f"`data/results/{name}`" for name in absent)
            + "."
        )
    return notes
