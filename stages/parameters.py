"""Write what the documentation lists of the code: all parameters and all metrics; no part of the pipeline.

Reads: dnaf/core/config.py, params, dnaf/evaluate/metrics

Writes: docs/parameters.md, the table of metrics in docs/protocols.md

params.yaml: nothing

Documentation: docs/parameters.md, docs/extending.md
"""

from pathlib import Path

from stages import _command

PAGE, PROTOCOLS = Path("docs/parameters.md"), Path("docs/protocols.md")


def main() -> str:
    from dnaf.core import files, markdown
    from dnaf.core.parameters.table import to_markdown
    from dnaf.evaluate.metrics import registry

    files.write_atomic(PAGE, to_markdown())
    page = PROTOCOLS.read_text(encoding="utf-8")
    files.write_atomic(PROTOCOLS, markdown.rewritten(page, "metrics", registry.to_markdown()))
    return f"All parameters → {PAGE}; all metrics → {PROTOCOLS}; commit them with the code"


if __name__ == "__main__":
    _command.run(main)
