"""Train the demo's base model anew, in about an hour of one core; no part of the pipeline.

Reads: nothing; its people are drawn

Writes: data/base/demo

params.yaml: nothing, but params/base.yaml: make_demo, render, datasets, dataset, model, train, seed

Documentation: docs/base-models.md
"""

from pathlib import Path
from typing import TYPE_CHECKING

from stages import _command

if TYPE_CHECKING:
    from dnaf.pretraining import Recipe


def main() -> str:
    recipe = read_recipe(Path("params/base.yaml"))

    from dnaf.pretraining import pretrain_base

    base = Path("data/base/demo")
    pretrain_base(base, recipe)
    return f"A base model, {recipe.training.steps:,} steps → {base}"


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
