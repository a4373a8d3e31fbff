"""Train the DNAF model on the training pairs.

Reads: data/pairs/train.csv, data/prepared.zip, data/pose_maps.zip, data/latents.zip, the base model

Writes: data/model, metrics/train/loss.csv, metrics/train/validation.csv, metrics/train/samples

params.yaml: model, train, seed

Documentation: docs/training.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import config

    model, params, seed = config.load(config.Model), config.load(config.Train), config.load_seed()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.data.loader import Sources
    from dnaf.train.loop import Outputs, train

    sources = Sources(Path("data/pairs/train.csv"), Path("data/prepared.zip"), Path("data/pose_maps.zip"))
    outputs = Outputs(
        model=Path("data/model"),
        loss_curve=Path("metrics/train/loss.csv"),
        validation_curve=Path("metrics/train/validation.csv"),
        samples=Path("metrics/train/samples"),
        tensorboard=Path("runs"),
    )
    with _command.writing(outputs.model, outputs.loss_curve, outputs.validation_curve, outputs.samples):
        loss = train(sources, Path("data/latents.zip"), outputs, model, params, seed)
    return (
        f"{params.steps:,} steps, loss {loss:.4f} at the end → {outputs.model}; "
        f"the curve → {outputs.loss_curve}, samples → {outputs.samples}"
    )


if __name__ == "__main__":
    _command.run(main)
