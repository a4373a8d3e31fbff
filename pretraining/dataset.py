"""Write the drawn people as a data set that DNAF's own training reads.

Reads: data/pretraining/people, data/base/people

Writes: data/pretraining/dataset

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.dataset
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    # Only now what takes seconds to import: a wrong parameter is told at once.
    from dnaf.pretraining.dataset import write_dataset

    output = Path("data/pretraining/dataset")
    write_dataset(Path("data/pretraining/people"), Path("data/base/people"), output, chosen.adapter.crop)
    return f"Pairs of training and validation outfits → {output}"


if __name__ == "__main__":
    _command.run(main)
