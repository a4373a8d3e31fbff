"""Starts a command as the environment variable `DNAF_LAUNCH` says (its argument: `stages.train`).

dvc.yaml starts through it what may run in several processes, so that a line is the same in every shell.
Without the variable the command runs in this process.
"""

import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Sequence

from dnaf.core.errors import ConfigError
from dnaf.core.progress import note


def main(module: str, arguments: Sequence[str]) -> None:
    """Runs a module with its arguments, through the launcher if one is set.

    Raises:
        ConfigError: `DNAF_LAUNCH` cannot be started.
    """
    launcher = split(os.environ.get("DNAF_LAUNCH", ""))
    if not launcher:
        sys.argv[1:] = arguments
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    command = [*launcher, "-m", module, *arguments]
    try:
        if os.name == "nt":  # where exec gives the shell back before the command has ended
            sys.exit(subprocess.run(command).returncode)
        os.execvp(command[0], command)  # signals then reach the launcher itself
    except OSError as error:
        raise ConfigError(
            f"DNAF_LAUNCH: {launcher[0]!r} cannot be started ({error.strerror}, expected a command such as "
            "`accelerate launch`). Unset it for a single process."
        ) from error


def split(launcher: str) -> list[str]:
    r"""The words of a command line in any system's way: quotes join words, and a backslash is a letter.

    Raises:
        ConfigError: a quote has no end.
    """
    words = shlex.shlex(launcher, posix=True, punctuation_chars=False)
    words.whitespace_split, words.escape, words.commenters = True, "", ""
    try:
        return list(words)
    except ValueError as error:
        raise ConfigError(
            f"DNAF_LAUNCH: a quote without an end (found {launcher[:200]!r} in the environment). Close it."
        ) from error


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except ConfigError as error:
        note(f"error: {error}")
        sys.exit(2)
