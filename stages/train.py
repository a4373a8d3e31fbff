"""Trains the DNAF model on the training pairs."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Read pairs, images and pose maps; write data/model, the loss curve and sample sheets."""
    from dnaf import config

    model, params, seed = config.load(config.Model), config.load(config.Train), config.load_seed()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.data.loader import Sources
    from dnaf.train.loop import Outputs, train

    sources = Sources(Path("data/pairs/train.csv"), Path("data/prepared.zip"), Path("data/pose.zip"))
    outputs = Outputs(
        model=Path("data/model"),
        loss_curve=Path("metrics/train/loss.csv"),
        samples=Path("metrics/train/samples"),
        tensorboard=Path("runs"),
    )
    train(sources, Path("data/latents.zip"), outputs, model, params, seed)


if __name__ == "__main__":
    _command.run(main)
