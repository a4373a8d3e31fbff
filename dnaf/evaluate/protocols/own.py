"""Python of the user's own, which `own` in params.yaml names as `module:name`."""

import sys
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from dnaf.core.errors import ConfigError, DnafError, one_line

Kind = TypeVar("Kind")


def imported(key: str, name: str, kind: type[Kind]) -> Kind:
    """What `module:name` stands for in a key of params.yaml's section `own`.

    Raises:
        ConfigError: it cannot be imported, or is of another kind.
        DnafError: what it says itself that it needs.
    """
    where = f"params.yaml: own.{key}: {name}"
    module, _, attribute = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = getattr(import_module(module), attribute)
    except DnafError:
        raise  # it says itself what it needs
    # A file of the user's own: anything can be wrong in it, and it may end the process.
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{where}: could not be imported ({type(error).__name__}: {one_line(error)}; expected a file "
            f"{module.replace('.', '/')}.py in {folder} with {attribute}). See docs/extending.md."
        ) from error
    if not isinstance(found, kind):
        raise ConfigError(
            f"{where}: wrong type (found {type(found).__name__}, expected {kind.__name__}). See "
            "docs/extending.md."
        )
    return found
