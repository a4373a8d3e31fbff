"""The report page: leaderboard, charts and a gallery of every test pair, to be opened from disk.

`index.html` holds all but what only the gallery needs, which a browser loads when it is looked at:
`pairs/<number>.jpg`, the images of one pair side by side, and `scores/<protocol>.js`.

Same inputs, same bytes: the page names the model by its digest, and neither a date nor a commit, which are no
inputs and would make every run another page. Its header has the command that finds both in git, where the
metrics of the same model are.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markdown_it import MarkdownIt
from markupsafe import Markup

from dnaf.core import files
from dnaf.core.images import encode_jpeg
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats.names import Name
from dnaf.data.formats.registry import FORMATS
from dnaf.data.pairs.pairs import Pair
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.open import DataSet
from dnaf.report.board import Board
from dnaf.report.loss_curve import LossCurve
from dnaf.report.methods import MethodMetrics
from dnaf.report.panels import OURS, Panel
from dnaf.report.published import to_rows, values_of
from dnaf.report.significance import CEILINGS, UNRANKED, Mark
from dnaf.report.tables.strata import VIEW_CHANGE, Partition, Value, metrics_of, stratify
from dnaf.report.typical import choose_scores
from dnaf.report.words import (
    AS_PUBLISHED,
    CEILING,
    COMPUTED_ELSEWHERE,
    MARKS,
    PUBLISHED_NOTE,
    notes,
    protocol_sentences,
    random_warning,
    unit,
)

PAGE = "index.html"

_FOLDER = Path(__file__).parent
_STYLES = ("vendor/tabulator_simple.min.css", "template/page.css")
_SCRIPTS = (
    "vendor/tabulator.min.js",
    "vendor/chart.umd.min.js",
    *(f"template/{name}.js" for name in ("page", "leaderboard", "strata", "charts", "gallery", "zoom")),
)
_LICENCES = ("vendor/tabulator.LICENSE.txt", "vendor/chart.LICENSE.txt")
_NUM_DIGITS = 8  # of a digest: enough to find it in git
_CHUNK = 64  # pairs: some 4 MB of JPEGs
_JPEG_QUALITY = 90  # images to look at; metrics are of the files themselves


@dataclass(frozen=True)
class Content:
    """What the page shows.

    Attributes:
        dataset: its name.
        boards: one a protocol.
        cards: of each method.
        partitions: the kinds of pairs by which scores are shown apart.
        panels: the images of a pair.
        loss: None if there was no training.
    """

    dataset: str
    data: DataSet
    boards: Sequence[Board]
    cards: Mapping[str, Card]
    partitions: Sequence[Partition]
    panels: Sequence[Panel]
    loss: LossCurve | None


def write_page(folder: Path, content: Content, shards: Shards) -> None:
    """Writes the page and the files that its gallery loads.

    Processes share the images of the pairs by a scratch folder that all of them see; the first one writes the
    page.

    Raises:
        DataError, StateError: an image is missing or damaged, or another run does the same.
        ResourceError: the disk is full or not writable.
    """
    labels = [panel.label for panel in content.panels]
    scratch = files.scratch_folder("report", files.fingerprint([content.data.test.sha256, labels]))
    with shards.locked(scratch):
        images = FinishedChunks(scratch)
        num_chunks = _draw_pairs(content, images, shards)
        if shards.index > 0:
            return
        _write_files(folder, content, images.members(num_chunks))
        files.remove_folder(scratch)


def _draw_pairs(content: Content, images: FinishedChunks, shards: Shards) -> int:
    """Writes members `<number>.jpg`, the images of one pair side by side; gives the number of chunks."""
    chunks = chunked(list(enumerate(content.data.test.pairs)), _CHUNK)

    def draw(number: int) -> tuple[int, dict[str, bytes]]:
        strips = {}
        for index, pair in chunks[number]:
            strip = np.concatenate([panel.image(pair) for panel in content.panels], axis=1)
            strips[f"{index}.jpg"] = encode_jpeg(strip, _JPEG_QUALITY)
        return number, strips

    def keep(drawn: tuple[int, dict[str, bytes]]) -> None:
        images.save(*drawn)  # anew in every run: what a pair looks like is not known before it is drawn

    shards.run(range(len(chunks)), draw, keep, "Drawing pairs")
    return len(chunks)


def _write_files(folder: Path, content: Content, images: Iterator[tuple[str, bytes]]) -> None:
    with files.atomic_folder(folder) as temporary:
        for name in ("pairs", "scores"):
            (temporary / name).mkdir()
        for name, strip in images:
            (temporary / "pairs" / name).write_bytes(strip)
        for board in content.boards:
            (temporary / f"scores/{board.protocol}.js").write_text(_scores(board), encoding="utf-8")
        (temporary / PAGE).write_text(to_html(content), encoding="utf-8")
        files.write_manifest(temporary)


def to_html(content: Content) -> str:
    """The page; same content, same text."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    template = environment.from_string(_read("template/page.html"))
    return template.render(
        data=_data(content),
        notes=_html("\n\n".join(notes(content.boards, content.cards))),
        as_published=AS_PUBLISHED,
        published_note=_html(PUBLISHED_NOTE),
        published=to_rows(content.boards, content.cards),
        styles=[Markup(_read(name)) for name in _STYLES],
        scripts=[Markup(_read(name)) for name in _SCRIPTS],
        licences=[Markup(_read(name).replace("--", "- -")) for name in _LICENCES],
    )


def _data(content: Content) -> dict[str, Any]:
    pairs = content.data.test.pairs
    stems = sorted({stem for pair in pairs for stem in pair})
    numbers = {stem: number for number, stem in enumerate(stems)}
    outfits = {outfit: number for number, outfit in enumerate(dict.fromkeys(content.data.test.outfits))}
    loss = content.loss
    return {
        "dataset": content.dataset,
        "model": _model(content.boards[0]),
        "unit": unit(content.boards),
        "size": content.data.size,
        "quality": _JPEG_QUALITY,
        "num_pairs": len(pairs),
        "stems": stems,
        "sources": [numbers[source] for source, _ in pairs],
        "targets": [numbers[target] for _, target in pairs],
        "outfits": [outfits[outfit] for outfit in content.data.test.outfits],
        "filters": _filters(content, pairs),
        "panels": [
            {
                "label": panel.label,
                "method": panel.method,
                "is_ranked": panel.method not in UNRANKED,
                "is_ceiling": panel.method in CEILINGS,
            }
            for panel in content.panels
        ],
        "boards": [_board(board, content) for board in content.boards],
        "loss": loss and {"step": loss.steps, "loss": loss.losses, "num_averaged": loss.num_averaged},
    }


def _model(board: Board) -> dict[str, Any] | None:
    """What the results say of the model that made them; None without results of our own."""
    results: dict[str, Any] = next(
        (row.protocol["results"] for row in board.present if row.method == OURS and not row.elsewhere), {}
    )
    if "model" not in results:
        return None
    params = results["params"]
    return {
        "digest": results["model"][:_NUM_DIGITS],
        "seed": results["seed"],
        "sampling": f"{params['scheduler']}, {params['num_inference_steps']} steps",
    }


def _board(board: Board, content: Content) -> dict[str, Any]:
    paired = {key for table in board.scores.values() for key in table}
    columns = [
        {
            "key": column.key,
            "label": column.label,
            "name": column.title,
            "details": ", ".join(column.details),
            "better": column.better,
            "random": column.is_random,
            "digits": column.num_digits if column.key in paired else None,
        }
        for column in board.columns
    ]
    typical = choose_scores(board)
    return {
        "protocol": board.protocol,
        "text": _html(protocol_sentences(board)),
        "warning": _html(random_warning(board)),
        "typical": typical and {"method": typical[0], "metric": typical[1].key},
        "columns": columns,
        "rows": [_row(board, row, content.cards[row.method]) for row in board.rows],
        "strata": _strata(board, content),
    }


def _row(board: Board, row: MethodMetrics, card: Card) -> dict[str, Any]:
    link = card.repository or ""
    venue = f"{card.paper.venue} {card.paper.year}" if card.paper else ""
    venue = CEILING if row.method in CEILINGS else venue
    if row.elsewhere:
        venue = f"{venue}; {COMPUTED_ELSEWHERE}" if venue else COMPUTED_ELSEWHERE
    published = values_of(card, board)
    return {
        "method": row.method,
        "title": card.title,
        "link": link if link.startswith(("https://", "http://")) else "",
        "venue": venue,
        "is_ranked": row.method not in UNRANKED,
        "cells": {c.key: _cell(board, row, c) for c in board.columns if c.key in row.numbers} or None,
        "published": {c.key: c.text(published[c.key]) for c in board.columns if c.key in published},
    }


def _cell(board: Board, row: MethodMetrics, column: Column) -> dict[str, Any]:
    mark = board.mark(row, column)
    low, high = (row.numbers.get(f"{column.key}_{end}") for end in ("low", "high"))
    interval = "" if low is None or high is None else f"[{column.text(low)}, {column.text(high)}]"
    return {
        "value": row.numbers[column.key],
        "text": column.text(row.numbers[column.key]),
        "low": low,
        "high": high,
        "interval": interval,
        "best": mark is Mark.BEST,
        "mark": MARKS.get(mark, "") if mark else "",
    }


def _strata(board: Board, content: Content) -> dict[str, Any]:
    """Keys of the metrics, and for each stratum every method's cells."""
    columns = {column.key: column for column in metrics_of(board)}
    strata = stratify(board, content.partitions, content.data.test.outfits)

    def cell(key: str, value: Value) -> list[str]:
        ends = [columns[key].text(end) for end in (value.low, value.high) if end is not None]
        return [columns[key].text(value.mean), f"[{', '.join(ends)}]" if ends else ""]

    return {
        "metrics": list(columns),
        "rows": [
            {
                "label": stratum.label,
                "name": stratum.name,
                "num_pairs": stratum.num_pairs,
                "cells": {
                    method: {key: cell(key, value) for key, value in values.items()}
                    for method, values in stratum.values.items()
                },
            }
            for stratum in strata
        ],
    }


def _filters(content: Content, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """What pairs are chosen by: facets of names, of source and target apart where these differ, and kinds."""
    kinds = [
        {"label": kind.label, "names": kind.names, "values": kind.of_pair.tolist()}
        for kind in content.partitions
        if kind.label != VIEW_CHANGE  # the views of source and target are facets
    ]
    naming = FORMATS[content.data.format_name].naming
    if naming is None:
        return kinds
    found = [tuple(naming.facets(Name(f"{stem}.jpg")) for stem in pair) for pair in pairs]
    filters = []
    for facet in found[0][0]:
        sources, targets = ([facets[side][facet] for facets in found] for side in (0, 1))
        if sources == targets:
            filters.append(_filter(facet, sources))
        else:
            filters.append(_filter(f"{facet} of source", sources))
            filters.append(_filter(f"{facet} of target", targets))
    return [*filters, *kinds]


def _filter(label: str, values: Sequence[str]) -> dict[str, Any]:
    names = sorted(set(values))
    return {"label": label, "names": names, "values": [names.index(value) for value in values]}


def _scores(board: Board) -> str:
    """A script, because a page that is opened from disk may not read data files."""
    shown = {column.key: column.num_digits for column in board.columns}
    values = {
        method: {key: np.round(table[key], shown[key]).tolist() for key in table if key in shown}
        for method, table in board.scores.items()
    }
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return f"receiveScores({json.dumps(board.protocol)},{text});\n"


def _html(markdown: str) -> Markup:
    """HTML of our own sentences. HTML in them, which would be out of a card, stays text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).render(markdown))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
