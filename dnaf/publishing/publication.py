"""A folder that is ready to be published: a trained model, its card with its metrics, the card of its data.

README.md     what `train` wrote, and the metrics of the test with their protocol
DATASET.md    which data, under which terms, which split
the rest of the model, and a manifest of it all
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData, EvalResult, ModelCard

from dnaf.core import files, markdown
from dnaf.core.errors import StateError
from dnaf.core.images import Size
from dnaf.data.pairs.split import SPLITS
from dnaf.data.store import ImageStore
from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.evaluate.submissions.find import read_pairs_csv
from dnaf.model.model_card import CARD, TASK
from dnaf.model.saving import move_provenance
from dnaf.report.board import Board, compare
from dnaf.report.methods import MethodMetrics, read_metrics
from dnaf.report.words import notes_on_metrics, protocol_sentences
from dnaf.terms import Terms, terms_of

DATA_CARD = "DATASET.md"

_METHOD = "dnaf"
_COUNTS = {
    "num_listed": "images",
    "num_removed": "images left out",
    "num_outfits": "",  # outfits or persons
    "num_pairs": "pairs",
}


@dataclass(frozen=True)
class PublicationInputs:
    """What a publication is made from, as the stages left it.

    Attributes:
        model, pairs: folders of `train` and `split`.
        prepared, pose_maps: image stores of `unpack` and `render`.
        metrics: the folder with `<protocol>/dnaf.json`.
        columns: those of all metrics.
    """

    model: Path
    pairs: Path
    prepared: Path
    pose_maps: Path
    metrics: Path
    columns: Sequence[Column] = COLUMNS


@dataclass(frozen=True)
class _Data:
    """A data set as the model has met it.

    Attributes:
        name: its folder in data/raw.
        info: what the manifest of the pairs says.
        sha256: of the list of pairs of each split.
        renderer, size: of its pose maps; (height, width).
    """

    name: str
    terms: Terms
    info: Mapping[str, Any]
    sha256: Mapping[str, str]
    renderer: str
    size: Size


def publish(out: Path, inputs: PublicationInputs, protocols: Sequence[str]) -> None:
    """Writes the folder, whole or not at all; the model's own folder stays as it is.

    Args:
        out: must be new or empty.
        protocols: whose metrics the card shows.

    Raises:
        StateError: `out` holds something, an input is missing or incomplete, or the metrics are of another
            model or other pairs.
        ResourceError: the disk is full or not writable.
    """
    files.require_empty(out)
    about = files.require_complete(inputs.model)
    if not (inputs.model / CARD).is_file():
        raise StateError(f"{inputs.model / CARD}: missing. Run train again, which writes it.")
    data = _read_data(inputs)
    boards = [_read_board(protocol, inputs, data) for protocol in protocols]
    card = ModelCard.load(inputs.model / CARD)
    card.data.model_name = _METHOD
    card.data.eval_results = [result for board in boards for result in _results(board, data)]
    card.text = "\n\n".join([card.text.rstrip(), *_sections(boards, data.terms, about)]) + "\n"
    with files.atomic_folder(out) as temporary:
        shutil.copytree(inputs.model, temporary, dirs_exist_ok=True)
        move_provenance(inputs.model, temporary)
        files.write_atomic(temporary / CARD, str(card))
        files.write_atomic(temporary / DATA_CARD, _data_card(data, boards[0].rows[0].protocol["unit"]))
        files.write_manifest(temporary, about)


def _read_data(inputs: PublicationInputs) -> _Data:
    info = files.require_complete(inputs.pairs)
    images, pose_maps = ImageStore(inputs.prepared), ImageStore(inputs.pose_maps).info
    sha256 = {}
    for split in SPLITS:
        path = inputs.pairs / f"{split}.csv"
        listed = read_pairs_csv(path)
        sha256[split] = listed.sha256
        # What was unpacked since is another data set, with other terms.
        for stem in chain.from_iterable(listed.pairs):
            if f"{stem}.png" not in images:
                raise StateError(
                    f"{inputs.prepared}: {stem}.png is missing, which {path} names. "
                    "Run unpack and split again."
                )
    name, (height, width) = images.info["source"], pose_maps["size"]
    return _Data(name, terms_of(name), info, sha256, pose_maps["renderer"], (height, width))


def _read_board(protocol: str, inputs: PublicationInputs, data: _Data) -> Board:
    """The model's metrics under one protocol, after a check that they are this model's."""
    row = read_metrics(protocol, _METHOD, inputs.metrics)
    where = inputs.metrics / protocol / f"{_METHOD}.json"
    if not row.is_present:
        raise StateError(f"{where}: the model was not tested (found 0 pairs). Run generate and evaluate.")
    for what, found, expected in (
        ("another model", row.protocol["results"].get("model"), files.digest(inputs.model / files.MANIFEST)),
        ("other pairs", row.protocol["pairs_sha256"], data.sha256["test"]),
    ):
        if found != expected:
            raise StateError(
                f"{where}: metrics of {what} (found sha256 {found}, expected {expected}). "
                "Run generate and evaluate again."
            )
    return compare(protocol, [row], {}, [], inputs.columns)


def _results(board: Board, data: _Data) -> Iterator[EvalResult]:
    """The metrics as the front matter holds them; those of random networks under their own names."""
    (row,) = board.rows
    for column in board.columns:
        interval = _interval(row, column)
        yield EvalResult(
            task_type=TASK,
            task_name="Pose-guided person image synthesis",
            dataset_type=data.name,
            dataset_name=data.terms.title,
            dataset_split="test",
            dataset_args={"num_pairs": board.num_expected, "pairs_sha256": data.sha256["test"]},
            metric_type=column.key,
            metric_name=column.label,
            metric_value=row.numbers[column.key],
            metric_config=board.protocol,
            metric_args={row.protocol["interval"]: interval} if interval else None,
        )


def _interval(row: MethodMetrics, column: Column) -> list[float]:
    ends = (f"{column.key}_{end}" for end in ("low", "high"))
    return [row.numbers[end] for end in ends if end in row.numbers]


def _sections(boards: Sequence[Board], terms: Terms, about: Mapping[str, Any]) -> Iterator[str]:
    yield "## Data"
    yield f"Trained and tested on {terms.title}. {terms.text} [{DATA_CARD}]({DATA_CARD}) has its numbers."
    yield _choice(about)
    yield "## Results"
    for board in boards:
        yield f"### Protocol `{board.protocol}`"
        yield f"{protocol_sentences(board)} {_sampling(board)}"
        yield _table(board)
    yield from notes_on_metrics(boards)


def _choice(about: Mapping[str, Any]) -> str:
    """Which step's weights these are, by what the manifest of the model says."""
    if "chosen_step" not in about:
        return f"The weights are those after the last of {about['steps']:,} steps."
    return (
        f"Of {about['steps']:,} steps, these are the weights after step {about['chosen_step']:,}, which had "
        f"the least error on {about['validation_outfits']} outfits of the training part that were held out. "
        "The test part was not looked at."
    )


def _sampling(board: Board) -> str:
    params = board.rows[0].protocol["results"]["params"]
    return f"Generated with {', '.join(f'`{name}` {value}' for name, value in params.items())}."


def _table(board: Board) -> str:
    (row,) = board.rows
    lines = []
    for column in board.columns:
        value, ends = column.text(row.numbers[column.key]), map(column.text, _interval(row, column))
        interval = f"[{', '.join(ends)}]" if _interval(row, column) else ""
        lines.append([column.label, f"`{column.key}`", column.better or "", value, interval])
    return markdown.table(["metric", "name", "better", "value", "interval"], lines, "lllrr")


def _data_card(data: _Data, unit: str) -> str:
    front = DatasetCardData(
        pretty_name=data.terms.title,
        license=data.terms.license,
        license_name=data.terms.license_name,
        license_link=data.terms.license_link,
        task_categories=[TASK],
    )
    counts = _COUNTS | {"num_outfits": f"{unit}s"}
    rows = {what: [f"{data.info[split][key]:,}" for split in SPLITS] for key, what in counts.items()}
    rows["sha256 of the pairs"] = [f"`{data.sha256[split]}`" for split in SPLITS]
    table = markdown.table(
        ["", "training", "test"], [[what, *values] for what, values in rows.items()], "lrr"
    )
    height, width = data.size
    return f"""\
---
{front.to_yaml()}
---

# The data: {data.terms.title}

{data.terms.text}

None of its files is in this folder. Images were prepared at {height}x{width} pixels (height x width), pose
maps drawn by the renderer `{data.renderer}`. A pair is a source and the target that is made from it.

{table}
"""
