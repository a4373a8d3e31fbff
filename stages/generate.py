"""Generates every test pair with the trained model."""

from pathlib import Path

from stages import _command


def main() -> None:
    """Read data/model and the test pairs; write all generated images and a few sample sheets."""
    from dnaf import config

    params, seed = config.load(config.Generate), config.load_seed()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.data.loader import Sources
    from dnaf.generate.pairs import generate_pairs, write_samples
    from dnaf.shards import open_shards

    sources = Sources(Path("data/pairs/test.csv"), Path("data/prepared.zip"), Path("data/pose.zip"))
    model, results = Path("data/model"), Path("data/results/dnaf")
    with open_shards() as shards:
        generate_pairs(sources, model, results / "generated.zip", params, seed, shards, wrong_source=False)
        generate_pairs(sources, model, results / "wrong_source.zip", params, seed, shards, wrong_source=True)
        if shards.index == 0:
            write_samples(sources, results / "generated.zip", Path("metrics/samples"), params.num_samples)


if __name__ == "__main__":
    _command.run(main)
