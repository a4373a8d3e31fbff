"""Draw the pose maps, those of mirrored images too.

Reads: data/pairs (keypoints)

Writes: data/pose_maps.zip

params.yaml: render, datasets, dataset

Documentation: docs/data.md
"""

from pathlib import Path

from stages import _command


def main(dataset: _command.Dataset = None) -> str:
    from dnaf.core import config
    from dnaf.core.shards import open_shards
    from dnaf.data.pose_maps.write import write_pose_maps

    params = config.load(config.Render)
    size, out = config.load_size(dataset or config.load_chosen_dataset()), Path("data/pose_maps.zip")
    with _command.writing(out), open_shards() as shards:
        num_maps = write_pose_maps(Path("data/pairs"), out, params.renderer, params.canvas, size, shards)
    return f"{num_maps:,} pose maps ({params.renderer}) of {size[0]}x{size[1]} pixels → {out}"


if __name__ == "__main__":
    _command.run(main)
