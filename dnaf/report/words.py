"""The text around the tables: how a protocol's numbers came about, and how to read them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dnaf.evaluate.metrics.metric import Column
from dnaf.evaluate.submissions.method_card import Card
from dnaf.evaluate.submissions.result_file import origin_text
from dnaf.report import escape
from dnaf.report.board import Board
from dnaf.report.columns import label_of
from dnaf.report.published import values_of
from dnaf.report.significance import CEILINGS, TRIVIAL_BASELINES, Mark

NOT_SUPPLIED = "not supplied"
CEILING = "ceiling"
COMPUTED_ELSEWHERE = "computed elsewhere"
AS_PUBLISHED = "As published, by each paper's own script"
PUBLISHED_NOTE = (
    "Numbers that papers print, each by its own script. The scripts differ in size, filter, padding, windows "
    "and real images, so that two rows are not comparable, nor is one with a measured number. They count in "
    "no rank and have no interval. *SSIM*: the paper does not say with which window."
)
MARKS = {Mark.NOISE: "≈", Mark.TRIVIAL_AHEAD: "†"}


def protocol_sentences(board: Board) -> str:
    """How a protocol's numbers came about."""
    if not board.present:
        return f"No method has results; {board.num_expected:,} pairs are to be scored."
    protocol = board.present[0].protocol
    scored = "" if protocol["dropped"] else ", all scored"
    sentences = [
        f"{protocol['title'].rstrip('.')}.",
        f"{board.num_expected:,} test pairs{scored}, at {protocol['image_size']} pixels (height x width).",
    ]
    if protocol["dropped"]:
        dropped = [f"{number:,} of {label_of(key)}" for key, number in protocol["dropped"].items()]
        sentences.append(f"Number of images that this protocol's scripts drop: {', '.join(dropped)}.")
    if protocol["real_set"]:
        sentences.append(f"FID against {_real_set(protocol['real_set'])}.")
    if protocol["weights"]:
        weights = [f"`{name}` {_weights(text)}" for name, text in protocol["weights"].items()]
        sentences.append(f"Weights: {', '.join(weights)}.")
    if detectors := {
        key: text for row in board.present for key, text in row.protocol.get("detectors", {}).items()
    }:
        shown = [f"{key} {text if ' ' in text else _weights(text)}" for key, text in detectors.items()]
        sentences.append(f"Detectors: {', '.join(shown)}.")
    return " ".join([*sentences, _resamplings(protocol)])


def random_warning(board: Board) -> str:
    """What must not be done with numbers of random networks; empty where there are none."""
    names = dict.fromkeys(column.name for column in board.columns if column.is_random)
    if not names:
        return ""
    return (
        f"**Compare {', '.join(names)} with no other table.** Their networks have random weights here, for "
        "lack of weight files: these numbers order the methods of this page at most. "
        "`uv run python -m stages.fetch_weights` gets the files."
    )


def _real_set(real_set: Mapping[str, Any]) -> str:
    count, of = real_set["count"], real_set["of"]
    number = f"{count:,}" if count == of else f"{count:,} of {of:,}"
    return f"{number} images: {real_set['description'].rstrip('.')}"


def _weights(provenance: str) -> str:
    return provenance if provenance.startswith("random") else f"sha256 {provenance[:8]}"


def _resamplings(protocol: Mapping[str, Any]) -> str:
    number = protocol["bootstrap"]["num_resamplings"]
    if not number:
        return "No resamplings: which differences are noise is not known."
    return f"In brackets: {protocol['interval']}, {number:,} resamplings."


def notes(boards: Sequence[Board], cards: Mapping[str, Card]) -> list[str]:
    """How to read the tables; only what they give cause for."""
    candidates = (
        _best(boards),
        _noise(boards),
        _trivial_baselines(boards),
        _ceilings(boards, cards),
        _random_networks(boards),
        *_of_metrics(boards),
        _rank_deficient(boards),
        _jpeg(boards, cards),
        _equal(boards, cards),
        _elsewhere(boards, cards),
        _not_supplied(boards),
        _published(boards, cards),
    )
    return [note for note in candidates if note]


def notes_on_metrics(boards: Sequence[Board]) -> list[str]:
    """How to read the metrics of a single method; only what they give cause for."""
    candidates = (
        _random_networks(boards),
        *_of_metrics(boards),
        _rank_deficient(boards),
    )
    return [note for note in candidates if note]


def _best(boards: Sequence[Board]) -> str:
    if not _has(boards, Mark.BEST):
        return ""
    return (
        "**Bold**: the best method's value, unless a trivial baseline (copying the source, the mean image) "
        "is better."
    )


def _noise(boards: Sequence[Board]) -> str:
    if not any(row.protocol["bootstrap"]["num_resamplings"] for board in boards for row in board.present):
        return ""
    text = (
        "**≈**: within noise of the best method's value. Both methods are compared over the same pairs: the "
        f"95 % interval of their mean difference (paired bootstrap over {unit(boards)}s) contains zero. "
        "Each comparison is made on its own, and the best method was chosen by its value, so a method that "
        "is in truth as good lacks the mark more often than one time in twenty."
    )
    labels = {c.label: None for board in boards for c in board.columns if c.key in board.unpaired}
    if labels:
        text += (
            f" {', '.join(labels)}: these have no scores of single pairs, so nothing can be paired. For them "
            "≈ means that the two intervals overlap, a coarser test that misses more of the real differences."
        )
    return text


def _trivial_baselines(boards: Sequence[Board]) -> str:
    if not any(row.method in TRIVIAL_BASELINES for board in boards for row in board.present):
        return ""
    text = (
        "Copying the source and the mean of the training images are not methods but trivial baselines, and "
        "never count as best: a method that is not clearly better has learnt nothing that the metric sees. "
        f"Copies have a small FID because they are photographs of the same {unit(boards)}s."
    )
    if _has(boards, Mark.TRIVIAL_AHEAD):
        text += (
            " **†**: a trivial baseline that is better than every method; by this metric alone no method has "
            "proved itself."
        )
    return text


def _ceilings(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    titles = {
        cards[row.method].title: None for board in boards for row in board.present if row.method in CEILINGS
    }
    if not titles:
        return ""
    return (
        f"**{CEILING.capitalize()}**: {' and '.join(titles)}, no method, never ranked and never bold. It "
        "shows what each metric says of a perfect image under the same protocol. Its FID need not be the "
        "smallest: FID compares with other photographs, mostly those of training."
    )


def _random_networks(boards: Sequence[Board]) -> str:
    if not any(column.is_random for column in _columns(boards)):
        return ""
    return (
        "**Random network**: without a weight file a metric uses seeded random weights, and its name in the "
        "metrics files ends in `_random`. It orders the methods of one table; it cannot be compared with any "
        "published number."
    )


def _of_metrics(boards: Sequence[Board]) -> Iterator[str]:
    """What metrics say themselves of how to read them, each once."""
    for column in dict.fromkeys(_columns(boards)):
        yield column.note.format(unit=unit(boards))


def _rank_deficient(boards: Sequence[Board]) -> str:
    names = [
        f"`{board.protocol}`"
        for board in boards
        if any(r.protocol["fid_rank_deficient"] for r in board.present)
    ]
    if not names:
        return ""
    return (
        f"FID under {', '.join(names)} uses fewer images than its network has features (2,048): it is "
        "larger than it would be with many, and only comparable at this number of images."
    )


def _jpeg(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    titles = {
        escape.markdown(cards[row.method].title): None
        for board in boards
        for row in board.present
        if row.protocol["results"].get("file_type") == "jpg"
    }
    if not titles:
        return ""
    return (
        f"**JPEG**: results of {', '.join(titles)} are JPEG files. Compression alone caps SSIM: even the "
        "ground truth, saved that way, would stay below 1."
    )


def _equal(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    """Where a model's images equal what they may equal; see `inspection.Inspector`."""
    found = {}
    for row in (row for board in boards for row in board.present):
        results = row.protocol["results"]
        truth, others = results.get("num_equal_to_truth", 0), results.get("num_equal_to_others", 0)
        if truth or others:
            found[escape.markdown(cards[row.method].title)] = f"{truth:,} and {others:,}"
    if not found:
        return ""
    numbers = "; ".join(f"{title} {text}" for title, text in found.items())
    return (
        "**Equal images**: of a pair whose source and target are the same photograph, an image may be that "
        "photograph, and pairs of the same photographs may have the same image. Number of images of either "
        f"kind: {numbers}. They are scored as all others."
    )


def _elsewhere(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    found = {
        f"{escape.markdown(cards[row.method].title)} under `{board.protocol}` ({origin_text(row.elsewhere)})"
        for board in boards
        for row in board.present
        if row.elsewhere
    }
    if not found:
        return ""
    return (
        f"**{COMPUTED_ELSEWHERE.capitalize()}**: {', '.join(sorted(found))}. These scores were sent and "
        "merged: protocol, pairs, real images and weights are those of the other methods; the images were "
        "not seen here. In brackets: what computed them, as the file says."
    )


def _not_supplied(boards: Sequence[Board]) -> str:
    absent = {row.method: None for board in boards for row in board.rows if not row.is_present}
    if not absent:
        return ""
    folders = ", ".join(f"`data/results/{method}`" for method in absent)
    return f"**{NOT_SUPPLIED.capitalize()}**: {folders}."


def _published(boards: Sequence[Board], cards: Mapping[str, Card]) -> str:
    shown = any(
        column.key in values_of(cards[row.method], board)
        for board in boards
        for row in board.rows
        for column in board.columns
    )
    if not shown:
        return ""
    return (
        "*Italic*: as published, by the paper's own script, over the same pairs at the same size. Such a "
        "number is not ranked, never bold, and not comparable with those measured here."
    )


def unit(boards: Sequence[Board]) -> str:
    """What pairs that belong together show: an outfit, or a person."""
    return next((str(row.protocol["unit"]) for board in boards for row in board.present), "outfit")


def _columns(boards: Sequence[Board]) -> Iterator[Column]:
    for board in boards:
        yield from board.columns


def _has(boards: Sequence[Board], mark: Mark) -> bool:
    return any(mark in column.values() for board in boards for column in board.marks.values())
