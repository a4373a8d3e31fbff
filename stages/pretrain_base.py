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
    from dnaf.pretraining.joint_base import Recipe


def main() -> str:
    recipe = read_recipe()

    from dnaf.pretraining.joint_base import pretrain_base

    base = Path("data/base/demo")
    with _command.writing(base):
        pretrain_base(base, recipe)
    return f"A base model, {recipe.training.steps:,} steps → {base}"


def read_recipe(folder: Path = Path("params")) -> "Recipe":
    """All that the base model is made by: the set `base` of parameters."""
    from dnaf.core.parameters import sets as parameter_sets

    params = parameter_sets.read("base", folder=folder)
    dataset = params.datasets[params.dataset]

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.joint_base import Recipe

    size = dataset.height, dataset.width
    return Recipe(params.seed, params.make_demo, params.render, size, params.model, params.train)


if __name__ == "__main__":
    _command.run(main)
