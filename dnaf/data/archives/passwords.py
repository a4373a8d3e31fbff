"""Where the password of a data set's archive comes from; never from params.yaml or the command line."""

import getpass
import os
import sys
from pathlib import Path

VARIABLE = "DNAF_ARCHIVE_PASSWORD"
PUBLIC = {"demo": "demo"}  # stands in docs/data.md


def find_password(dataset: str, archive: str) -> str | None:
    """A public one, or from the environment, or asked for at a terminal."""
    known = PUBLIC.get(dataset) or os.environ.get(VARIABLE)
    if known is None and sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(f"Password of {archive} ({VARIABLE}): ") or None
    return known


def password_of(path: Path) -> str | None:
    """The password of an encrypted archive in a data set's folder, as `find_password` finds it."""
    return find_password(path.parent.name, path.name)
