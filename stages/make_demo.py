"""Draws the demo data set, in the on-disk formats of DeepFashion."""

from stages import _command


def main() -> None:
    """Draws people in clothes and writes data/raw/demo: archive, lists, annotations, pairs and poses."""
    from pathlib import Path

    from dnaf import config
    from dnaf.data.demo import write_demo

    params = config.load(config.MakeDemo)
    write_demo(Path("data/raw/demo"), config.load_seed(), params.num_train_outfits, params.num_test_outfits)


if __name__ == "__main__":
    _command.run(main)
