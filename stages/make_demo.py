"""Draw the demo data set, people in clothes, in the on-disk formats of DeepFashion.

Reads: nothing

Writes: data/raw/demo (archive, lists, annotations, pairs and poses)

params.yaml: make_demo, seed

Documentation: docs/data.md
"""

from stages import _command


def main() -> str:
    from pathlib import Path

    from dnaf.core import config
    from dnaf.data.demo.write import write_demo

    params, raw = config.load(config.MakeDemo), Path("data/raw/demo")
    with _command.writing(raw):
        num_images = write_demo(raw, config.load_seed(), params.num_train_outfits, params.num_test_outfits)
    num_outfits = params.num_train_outfits + params.num_test_outfits
    return f"{num_images:,} images of {num_outfits:,} outfits → {raw}"


if __name__ == "__main__":
    _command.run(main)
