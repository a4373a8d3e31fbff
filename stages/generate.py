"""Generate every test pair with the trained model; as a control, from wrong sources too.

Reads: data/model, data/pairs/test.csv, data/prepared.zip, data/pose_maps.zip, the base model

Writes: data/results/dnaf/generated.zip, data/results/dnaf/wrong_source.zip, data/results/dnaf/card.yaml,
  metrics/samples

params.yaml: generate, seed

Documentation: docs/sampling.md
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.core import config, files

    params, seed = config.load(config.Generate), config.load_seed()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.core.shards import open_shards
    from dnaf.data.loader import Sources
    from dnaf.generate.pairs import CARD, generate_pairs, write_samples

    sources = Sources(Path("data/pairs/test.csv"), Path("data/prepared.zip"), Path("data/pose_maps.zip"))
    model, samples = Path("data/model"), Path("metrics/samples")
    folder = Path("data/results/dnaf")
    generated, control, card = (folder / name for name in ("generated.zip", "wrong_source.zip", CARD.name))
    with _command.writing(generated, control, card, samples), open_shards() as shards:
        num_images = generate_pairs(sources, model, generated, params, seed, shards, wrong_source=False)
        generate_pairs(sources, model, control, params, seed, shards, wrong_source=True)
        if shards.index == 0:
            files.write_atomic(card, files.read_bytes(CARD))
            write_samples(sources, generated, samples, params.num_samples)
    return f"{num_images:,} images → {generated}; control from wrong sources → {control}; samples → {samples}"


if __name__ == "__main__":
    _command.spare("transformers", *_command.UNUSED_BY_INFERENCE)
    _command.run(main)
