"""One thing that a run needs: whether it is there, and whether it is what it should be."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing a data set needs.

    Attributes:
        what: the thing.
        state: `ok`, `missing` and `wrong` (both stop the pipeline), or `absent` (can be done without).
        detail: what was found, or what is expected; of what is absent, what that means.
    """

    what: str
    state: Literal["ok", "missing", "wrong", "absent"]
    detail: str


def is_ready(findings: list[Finding]) -> bool:
    """Whether nothing that is needed is missing or wrong."""
    return all(finding.state in ("ok", "absent") for finding in findings)
