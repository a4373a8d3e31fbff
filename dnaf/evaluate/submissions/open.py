"""One method's images for exactly the test pairs, wherever they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from dnaf.core.errors import DataError, StateError
from dnaf.core.images import Pixels, Size, resize
from dnaf.core.progress import track
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.pairs.tables import read_table
from dnaf.data.store import ImageStore
from dnaf.evaluate.metrics.psnr import l1
from dnaf.evaluate.submissions.find import (
    CARD,
    COPY_SOURCE,
    GENERATED,
    GROUND_TRUTH,
    MEAN_IMAGE,
    RECONSTRUCTION,
    SHARED,
    WRONG_SOURCE,
    TestPairs,
    find_results,
    read_test_pairs,
)
from dnaf.evaluate.submissions.method_card import Card, read_card
from dnaf.evaluate.submissions.published import Layout, PublishedImages, digest_of, find_images
from dnaf.evaluate.submissions.result_names import POSITION, ResultNames

_NUM_CHECKED = 16  # strips whose ground truth is compared with ours
_SAME = 0.5  # of the distance to another image; a JPEG of the same image in another size is nearer


@dataclass(frozen=True)
class DataSet:
    """What a method's images have to belong to.

    Attributes:
        format_name: the data set's format, which decides how file names look.
        size: (height, width) of prepared images.
        test: the test pairs.
        train_images: the list of training images, `data/pairs/train_images.csv`.
        prepared: the data set's images, `<stem>.png`.
    """

    format_name: str
    size: Size
    test: TestPairs
    train_images: Path
    prepared: ImageStore


def read_data_set(root: Path, format_name: str, size: Size) -> DataSet:
    """The data set that the pipeline has in `root`, the folder `data`.

    Raises:
        StateError: pairs or images are incomplete.
    """
    pairs = root / "pairs"
    return DataSet(
        format_name,
        size,
        read_test_pairs(pairs),
        pairs / "train_images.csv",
        ImageStore(root / "prepared.zip"),
    )


@dataclass(frozen=True)
class Results:
    """A method's images.

    Attributes:
        where: what the images come from, for errors.
        generated: image of a pair, uint8 RGB (H, W, 3).
        image_name: which image a pair has; methods without a model show one image for many pairs.
        wrong_source: the same pair generated from another outfit's source, where the method has them.
        by_a_model: whether a model made the images of pairs; those of one colour, copies and the ground truth
            itself are then errors.
        info: origin of the images, JSON-able; `file_type` always.
    """

    where: Path
    generated: Callable[[Pair], Pixels]
    image_name: Callable[[Pair], str]
    wrong_source: Callable[[Pair], Pixels] | None
    by_a_model: bool
    info: dict[str, Any]


def open_folder(folder: Path, data: DataSet) -> tuple[Card, Results]:
    """A method's card and images; a folder without a card may be anywhere.

    Raises:
        DataError: it has no images, or as `open_results`.
        StateError: as `open_results`.
    """
    card = Card(title=folder.name, paper=None, repository=None, naming=None, panels=None)
    if (folder / CARD).exists():
        card = read_card(folder / CARD)
    elif not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder (expected one that holds a zip, a folder or images). "
            "Put the results into data/results/<method>."
        )
    found = find_results(folder.name, folder.parent, card)
    if found is None:
        raise DataError(
            f"{folder}: no images (expected a zip, a folder or images of {len(data.test.pairs):,} pairs). "
            "docs/protocols.md says how to supply them."
        )
    return card, open_results(folder.name, found, card, data)


def open_results(method: str, found: Sequence[Path], card: Card, data: DataSet) -> Results:
    """A method's images for exactly these pairs.

    Args:
        found: what `inputs.find_results` gives for the method.

    Raises:
        DataError: published results miss, repeat or add an image, or the card does not describe them.
        StateError: a store is incomplete, made for another list of pairs, or misses or adds a pair.
    """
    if method == COPY_SOURCE:
        return _from_data(data, lambda pair: data.prepared.image(f"{pair[0]}.png"), lambda pair: pair[0], {})
    if method == GROUND_TRUTH:
        return _from_data(data, lambda pair: data.prepared.image(f"{pair[1]}.png"), lambda pair: pair[1], {})
    if method == MEAN_IMAGE:
        rows = read_table(data.train_images, ["stem"])
        mean = mean_image(data.prepared, [name for (name,) in rows])
        return _from_data(data, lambda pair: mean, lambda pair: "mean", {"num_train_images": len(rows)})
    is_ours = found[0].name in (GENERATED, WRONG_SOURCE)
    results = _generated(found[0].parent, data) if is_ours else _published(found, card, data)
    # A good autoencoder gives its input back, and two pairs of one target have one image.
    return replace(results, by_a_model=False) if method == RECONSTRUCTION else results


def _from_data(
    data: DataSet, image: Callable[[Pair], Pixels], name: Callable[[Pair], str], info: dict[str, Any]
) -> Results:
    return Results(data.prepared.path, image, name, None, False, {"file_type": "png", **info})


def _generated(folder: Path, data: DataSet) -> Results:
    store = open_store(folder / GENERATED, data.test)
    wrong = None
    if (folder / WRONG_SOURCE).exists():
        wrong = open_store(folder / WRONG_SOURCE, data.test)
        if wrong.info.get("model") != store.info.get("model"):
            raise StateError(
                f"{wrong.path}: generated by another model than {store.path} (found "
                f"{wrong.info.get('model')}, expected {store.info.get('model')}). Run generate again."
            )
    return Results(
        where=store.path,
        generated=_image_of(store, data.size),
        image_name=lambda pair: pair_id(*pair),
        wrong_source=_image_of(wrong, data.size) if wrong else None,
        by_a_model=True,
        info={"file_type": "png", **store.info},
    )


def _published(found: Sequence[Path], card: Card, data: DataSet) -> Results:
    folder = found[0].parent
    layout = _layout(found[0], card, data.size)
    names = ResultNames(data.format_name, data.test.pairs, layout.naming)
    coverage = find_images(found, layout, names, data.test.pairs)
    published = PublishedImages(folder, coverage, layout, data.test.pairs)
    _check_panels(folder, published, data, POSITION in layout.naming)
    height, width = published.generated(data.test.pairs[0]).shape[:2]
    info = {
        "file_type": next(iter(coverage.file_types)),
        "files": {source.name: digest_of(source, coverage) for source in coverage.sources},
        "num_other_files": coverage.num_others,
        "num_left_by_systems": coverage.num_left_by_systems,
        "naming": layout.naming,
        "image_size": f"{height}x{width}",
    }
    return Results(folder, published.generated, lambda pair: pair_id(*pair), None, True, info)


def _layout(found: Path, card: Card, size: Size) -> Layout:
    """How the images stand there: as the card says, or what it says of the shared strips they come from."""
    naming = card.naming or "<source>_2_<target>.png"
    if found.parent.name == SHARED:
        bare = found.name if found.is_dir() else found.stem
        panels = next(strips.panels for strips in card.strips if strips.archive == bare)
        return Layout(naming, panels, None, 0, size)
    folder = card.folder and card.folder.replace("<height>", str(size[0]))
    return Layout(naming, card.panels, folder, card.margin, size)


def _check_panels(folder: Path, published: PublishedImages, data: DataSet, is_numbered: bool) -> None:
    """Refuses strips whose ground truth is less like ours than their generated images are.

    Args:
        is_numbered: whether files are known by their numbers alone; their ground truth must then be much
            nearer to its own target than to another pair's.

    Raises:
        DataError: the card's panels are then other ones, or the strips show another data set or order.
    """
    step = max(1, len(data.test.pairs) // _NUM_CHECKED)
    checked = data.test.pairs[::step][:_NUM_CHECKED]
    targets = [data.prepared.image(f"{target}.png") for _, target in checked]
    distances: list[tuple[float, float, float]] = []
    for number, pair in enumerate(checked):
        shown = published.ground_truth(pair)
        if shown is None:
            return
        real, generated = (
            resize(np.ascontiguousarray(image), data.size) for image in (shown, published.generated(pair))
        )
        own, other = targets[number], targets[number - 1]
        distances.append((l1(own, real), l1(own, generated), l1(other, real)))
    real, generated, other = (median(values) for values in zip(*distances, strict=True))
    if real >= generated:
        raise DataError(
            f"{folder}: wrong panels (found the ground truth {real:.3f} and the generated image "
            f"{generated:.3f} away from this data set's target, expected the ground truth to be nearer). "
            "Correct `panels` in card.yaml."
        )
    if is_numbered and real > _SAME * other:
        raise DataError(
            f"{folder}: numbered in another order than the test pairs (found the ground truth {real:.3f} "
            f"away from its own target and {other:.3f} from another one, expected it much nearer to its "
            "own). Score the images with the list of pairs that they were made for."
        )


def mean_image(prepared: ImageStore, stems: Sequence[str]) -> Pixels:
    """Pixel-wise mean of images, rounded; what a method that ignores its input can reach in L1 and PSNR.

    Raises:
        StateError: an image is missing.
        DataError: images of different sizes.
    """
    shape = prepared.image(f"{stems[0]}.png").shape
    total = np.zeros(shape, np.int64)
    for stem in track(stems, "Averaging images", len(stems)):
        image = prepared.image(f"{stem}.png")
        require_size(image, (shape[0], shape[1]), f"{prepared.path}: {stem}.png")
        total += image
    return np.round(total / len(stems)).astype(np.uint8)


def require_size(image: Pixels, size: Size, where: str) -> None:
    """Checks an image's size (height, width).

    Raises:
        DataError: it has another.
    """
    if image.shape[:2] != size:
        raise DataError(
            f"{where}: wrong size (found {image.shape[0]}x{image.shape[1]}, expected {size[0]}x{size[1]}; "
            "height x width). Run the stage that writes it again."
        )


def open_store(path: Path, test: TestPairs) -> ImageStore:
    """A store with exactly the images of these pairs, `<pair id>.png`.

    Raises:
        StateError: incomplete, made for another list of pairs, or a pair is missing or too many.
    """
    store = ImageStore(path)
    if store.info.get("pairs_sha256") != test.sha256:
        raise StateError(
            f"{path}: generated for another list of test pairs (found sha256 "
            f"{store.info.get('pairs_sha256')}, expected {test.sha256}). Run generate again."
        )
    wanted = {f"{pair_id(*pair)}.png" for pair in test.pairs}
    found = set(store.names)
    for kind, names in (("missing", wanted - found), ("of no test pair", found - wanted)):
        if names:
            raise StateError(
                f"{path}: {min(names)} is {kind} ({len(names):,} such; found {len(found):,} images, expected "
                f"{len(wanted):,}). Run generate again."
            )
    return store


def _image_of(store: ImageStore, size: Size) -> Callable[[Pair], Pixels]:
    def image(pair: Pair) -> Pixels:
        generated = store.image(f"{pair_id(*pair)}.png")
        require_size(generated, size, f"{store.path}: {pair_id(*pair)}")
        return generated

    return image
