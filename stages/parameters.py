"""Write docs/parameters.md, the page of all parameters; no part of the pipeline.

Reads: dnaf/core/config.py, params

Writes: docs/parameters.md

params.yaml: nothing

Documentation: docs/parameters.md
"""

from pathlib import Path

from stages import _command

PAGE = Path("docs/parameters.md")


def main() -> str:
    from dnaf.core import files
    from dnaf.core.parameters.table import to_markdown

    files.write_atomic(PAGE, to_markdown())
    return f"All parameters → {PAGE}; commit it with dnaf/core/config.py"


if __name__ == "__main__":
    _command.run(main)
