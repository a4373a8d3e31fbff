"""Files and parameters as they were in a revision: a commit, a branch or an experiment."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnaf.core import commands, sections
from dnaf.core.errors import StateError, one_line
from dnaf.core.seals import seal

_PARAMS = "params.yaml"
_ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """In which parameters the runs of a variant differ from those of the reference.

    Attributes:
        changes: by dotted key, such as `train.lr`: the values of the reference and of the variant, as JSON.
    """

    variant: str
    reference: str
    changes: Mapping[str, tuple[str, str]]

    @property
    def is_confounded(self) -> bool:
        """Whether more than one parameter differs, so that no difference of the runs is due to one."""
        return len(self.changes) > 1

    def __str__(self) -> str:
        if not self.changes:
            return f"{self.variant} has the parameters of {self.reference}."
        changed = "; ".join(f"{key} is {new}, not {old}" for key, (old, new) in self.changes.items())
        return f"{self.variant} differs from {self.reference} in: {changed}."


def differences(variants: Mapping[str, Sequence[str]], reference: str) -> list[Difference]:
    """Compares the parameters of every other variant with those of the reference.

    Args:
        variants: the revisions of each, by name; the n-th of a variant is compared with the reference's n-th.
        reference: a key of `variants`.

    Raises:
        StateError: DVC knows no such revision, or it has no params.yaml.
    """
    params = {
        name: [_read_params(revision) for revision in revisions] for name, revisions in variants.items()
    }
    return [
        Difference(name, reference, _changes(params[reference], runs))
        for name, runs in params.items()
        if name != reference
    ]


def fetch(revision: str, paths: Sequence[str], folder: Path, what: str) -> None:
    """Copies files as they were in a revision to the same paths below a folder.

    Args:
        what: they are, in the plural; for the error.

    Raises:
        StateError: DVC knows no such revision, or a file is not in it, or not in DVC's cache, or damaged.
    """
    # Only now: DVC takes a second to import.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    tracked = DVCFileSystem(rev=revision)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            recorded = tracked.info(path).get("md5")  # none of what git tracks itself
        except (DvcException, SCMError) as error:
            raise StateError(
                f"{revision}: no such commit, branch or experiment ({one_line(error)}). "
                f"`{commands.dvc('exp show')}` lists the experiments."
            ) from error
        except FileNotFoundError as error:
            raise StateError(
                f"{revision}: no {what} (expected {path}). Choose a revision that has them."
            ) from error
        copy = folder / path
        try:
            tracked.get_file(path, str(copy))
        except (OSError, DvcException) as error:
            raise StateError(
                f"{revision}: no {what} in DVC's cache ({one_line(error)}): the commit is of another "
                "machine. Commit a run of your own "
                f"(`{commands.dvc('repro')} && git commit -am 'My baseline'`), or "
                f"fetch the files (`{commands.dvc('pull')}`)."
            ) from error
        if recorded is not None and (found := _md5(copy)) != recorded:
            raise StateError(
                f"{revision}: {path}: damaged in DVC's cache (found md5 {found}, expected {recorded}). "
                f"Remove it there, then fetch it (`{commands.dvc('pull')}`) or run its stage again."
            )
        seal(copy)  # what DVC vouches for: a revision may be older than the digests beside files


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _read_params(revision: str) -> dict[str, str]:
    """The leaves of a revision's params.yaml as JSON, by dotted key."""
    with tempfile.TemporaryDirectory() as folder:
        fetch(revision, (_PARAMS,), Path(folder), "parameters")
        values = sections.read(Path(folder) / _PARAMS)
    return dict(_leaves(values))


def _leaves(value: Any, key: str = "") -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [(key, json.dumps(value))]
    return [leaf for name, each in value.items() for leaf in _leaves(each, f"{key}.{name}".lstrip("."))]


def _changes(
    references: Sequence[Mapping[str, str]], variants: Sequence[Mapping[str, str]]
) -> dict[str, tuple[str, str]]:
    """What differs in any of the pairs of runs; several values of a key are joined."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for reference, variant in zip(references, variants, strict=False):
        for key in dict.fromkeys([*reference, *variant]):
            values = reference.get(key, _ABSENT), variant.get(key, _ABSENT)
            if values[0] != values[1]:
                for known, value in zip(found.setdefault(key, ([], [])), values, strict=True):
                    known.extend([value] if value not in known else [])
    return {key: (" or ".join(old), " or ".join(new)) for key, (old, new) in found.items()}
