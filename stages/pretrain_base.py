"""Trains the demo's base model anew; no part of the pipeline."""

from pathlib import Path
from typing import TYPE_CHECKING

from stages import _command

if TYPE_CHECKING:
    from dnaf.pretraining import Recipe


def main() -> None:
    """Read params/base.yaml, draw people, train; write data/base/demo, in about an hour of one core."""
    recipe = read_recipe(Path("params/base.yaml"))

    from dnaf.pretraining import pretrain_base

    pretrain_base(Path("data/base/demo"), recipe)


def read_recipe(path: Path) -> "Recipe":
    """All that the base model is made by."""
    from dnaf import config

    people, render = config.load(config.MakeDemo, path), config.load(config.Render, path)
    model, training = config.load(config.Model, path), config.load(config.Train, path)
    size, seed = config.load_size(config.load_chosen_dataset(path), path), config.load_seed(path)

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining import Recipe

    return Recipe(seed, people, render, size, model, training)


if __name__ == "__main__":
    _command.run(main)
