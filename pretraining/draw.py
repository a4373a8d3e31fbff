"""Draw the people of the pretraining: of another seed than the demo's.

Reads: pretraining/params.yaml

Writes: data/pretraining/people

Documentation: docs/pretraining.md

Example: uv run python -m pretraining.draw
"""

from pathlib import Path

from stages import _command


def main() -> str:
    from dnaf.pretraining import params

    chosen = params.load()

    from dnaf.pretraining.people import draw_people

    draw_people(Path("data/pretraining/people"), chosen.people, chosen.seed)
    return "Images → data/pretraining/people"


if __name__ == "__main__":
    _command.run(main)
