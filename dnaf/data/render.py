"""Renders the pose maps of all kept images and of their mirror images into one store."""

from pathlib import Path

from dnaf import files, images
from dnaf.data import keypoints, pose_map
from dnaf.data.keypoints import Points
from dnaf.data.store import write_store
from dnaf.progress import track

MIRRORED = "mirrored/"

_BYTES_PER_MAP = 4000  # found with all headers: 1,500 at 64x48 and 2,400 at 256x176 pixels


def write_pose_maps(pairs: Path, out: Path, canvas: images.Size, size: images.Size) -> int:
    """Writes `<stem>.png` and `mirrored/<stem>.png` for every image of `keypoints.csv`; returns their number.

    Args:
        pairs: folder written by stage split.
        out: the store; it appears complete or not at all.
        canvas: (height, width) on which sticks are 4 pixels wide.
        size: (height, width) of the data set, to which the drawing is then reduced.

    Raises:
        StateError: the folder is not complete.
        ResourceError: not enough disk space.
    """
    height, width = files.require_complete(pairs)["frame"]
    table = pairs / "keypoints.csv"
    stems, points = keypoints.read_keypoints(table)
    files.require_space(out.parent, 2 * len(stems) * (_BYTES_PER_MAP + size[0] * size[1] // 20))
    info = {"keypoints_sha256": files.digest(table), "canvas": canvas, "size": size}
    with write_store(out, info) as store:
        for stem, joints in track(zip(stems, points, strict=True), "Pose maps", len(stems)):
            store.add_image(f"{stem}.png", _draw(joints, (height, width), canvas, size))
            mirrored = keypoints.mirror(joints, width)
            store.add_image(f"{MIRRORED}{stem}.png", _draw(mirrored, (height, width), canvas, size))
    return 2 * len(stems)


def _draw(joints: Points, frame: images.Size, canvas: images.Size, size: images.Size) -> images.Pixels:
    drawn = pose_map.keypoints_to_pose_map(joints, canvas, frame)
    return drawn if canvas == size else images.resize(drawn, size, "box")
