"""A kit for another generator: all that it is given of the test pairs, and how its results must be named.

README.md             what is what, the naming of results, the terms of the data set
kit.json              sizes, channels of the poses, the prompt, digest of the pairs
pairs.csv             a row a pair: its source image, its target's poses, the name of its result
sources/<stem>.png    source images
poses/<renderer>/<stem>.png    poses of the targets, as each renderer draws them
keypoints.csv         joints of sources and targets
manifest.json         digests of it all
"""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from string import Template

import numpy as np

from dnaf.core import commands, files, images, markdown
from dnaf.core.images import Size
from dnaf.core.progress import track
from dnaf.core.workers import thread_map
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints.keypoints import read_keypoints, write_keypoints
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.pose_maps.renderers import RENDERERS
from dnaf.data.pose_maps.storage import stack
from dnaf.data.pose_maps.write import draw_pose_map
from dnaf.data.store import ImageStore
from dnaf.evaluate.submissions.find import TestPairs, read_test_pairs
from dnaf.model.pretrained.prompt import PROMPT
from dnaf.terms import terms_of

README = "README.md"

_BLOCKS = 16_384  # bytes of a target's poses that disks give away; found, all four: 46,000 at 256x176 pixels


def write_kit(out: Path, pairs: Path, prepared: Path, dataset: str, canvas: Size, size: Size) -> TestPairs:
    """Writes the folder, whole or not at all; ground truths are in it only where they are sources too.

    Args:
        out: must be new or empty.
        pairs: the folder that split wrote.
        prepared: the store of the data set's images.
        canvas: (height, width) on which poses are drawn, before they are reduced to the images' size.
        size: (height, width) of the images.

    Raises:
        StateError: `out` holds something, or an input is missing, incomplete or damaged.
        ResourceError: the disk is full or not writable.
    """
    files.require_empty(out)
    test, frame = read_test_pairs(pairs), files.require_complete(pairs)["frame"]
    stems, keypoints = read_keypoints(pairs / "keypoints.csv")
    points_of = dict(zip(stems, keypoints, strict=True))
    sources = sorted({source for source, _ in test.pairs})
    targets = sorted({target for _, target in test.pairs})
    store = ImageStore(prepared)
    num_pixels = size[0] * size[1]
    num_bytes = len(sources) * 2 * num_pixels + len(targets) * (num_pixels + _BLOCKS)
    files.require_space(out.resolve().parent, num_bytes)
    with files.atomic_folder(out) as folder:

        def write_source(source: Stem) -> None:
            _write(folder / _source(source), store.read(f"{source}.png"))

        def write_poses(target: Stem) -> dict[str, int]:
            maps = {name: draw_pose_map(points_of[target], name, frame, canvas, size) for name in RENDERERS}
            for name, pose_map in maps.items():
                _write(folder / _pose(name, target), images.encode_png(stack(pose_map)))
            return {name: pose_map.shape[2] for name, pose_map in maps.items()}

        for _ in track(thread_map(write_source, sources), "Copying sources", len(sources)):
            pass
        drawn = list(track(thread_map(write_poses, targets), "Drawing poses", len(targets)))
        shown = sorted({*sources, *targets})
        write_keypoints(folder / "keypoints.csv", shown, np.stack([points_of[stem] for stem in shown]))
        files.write_atomic(folder / "pairs.csv", _to_csv(test.pairs))
        info = {
            "dataset": dataset,
            "num_pairs": len(test.pairs),
            "pairs_sha256": test.sha256,
            "height": size[0],
            "width": size[1],
            "keypoints_frame": list(frame),
            "pose_channels": drawn[0],
            "prompt": PROMPT,
        }
        files.write_json(folder / "kit.json", info)
        files.write_atomic(folder / README, _readme(dataset, len(test.pairs), size, frame, drawn[0]))
        files.write_manifest(folder, info)
    return test


def _to_csv(pairs: Sequence[Pair]) -> str:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["source", "target", "source_image", *RENDERERS, "result"])
    for source, target in pairs:
        poses = [_pose(name, target) for name in RENDERERS]
        rows.writerow([source, target, _source(source), *poses, f"{pair_id(source, target)}.png"])
    return text.getvalue()


def _readme(
    dataset: str, num_pairs: int, size: Size, frame: Sequence[int], channels: Mapping[str, int]
) -> str:
    terms, (height, width) = terms_of(dataset), size
    poses = [
        (
            name,
            "RGB" if number == 3 else f"grey, {number} channels below each other: {number * height}x{width}",
        )
        for name, number in channels.items()
    ]
    template = Template((Path(__file__).parent / "kit.md").read_text(encoding="utf-8"))
    return template.substitute(
        num_pairs=f"{num_pairs:,}",
        title=terms.title,
        terms=terms.text,
        height=height,
        width=width,
        num_renderers=len(channels),
        frame=f"{frame[0]} x {frame[1]}",
        poses=markdown.table(["renderer", "file"], poses),
        check=commands.stage("check_results", "data/results/<method>"),
    )


def _source(stem: Stem) -> str:
    return f"sources/{stem}.png"


def _pose(renderer: str, stem: Stem) -> str:
    return f"poses/{renderer}/{stem}.png"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
