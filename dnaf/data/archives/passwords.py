"""Where the password of a data set's archive comes from; never from params.yaml or the command line."""

import getpass
import os
import sys
from pathlib import Path

from dnaf.core import environment

VARIABLE = "DNAF_ARCHIVE_PASSWORD"
PUBLIC = {"demo": "demo"}  # stands in docs/data.md


def find_password(dataset: str, archive: str) -> str | None:
    """A public one, from the environment, or asked for at a terminal by a process that works alone."""
    known = PUBLIC.get(dataset) or os.environ.get(VARIABLE)
    can_ask = environment.number("WORLD_SIZE", 1) == 1 and sys.stdin is not None and sys.stdin.isatty()
    if known is None and can_ask:
        return getpass.getpass(f"Password of {archive} ({VARIABLE}): ") or None
    return known


def password_of(path: Path) -> str | None:
    """The password of an encrypted archive in a data set's folder, as `find_password` finds it."""
    return find_password(path.parent.name, path.name)
