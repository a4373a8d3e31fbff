"""A DVC repository with several revisions of its data."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from dvc.repo import Repo
from scmrepo.git import Git

PARAMS = Path("params.yaml")


class Revisions:
    """A new git and DVC repository in a folder that is the current one."""

    def __init__(self, root: Path) -> None:
        self._git = Git.init(str(root))
        self._dvc = Repo.init()

    def __enter__(self) -> "Revisions":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._dvc.close()
        self._git.close()

    def commit(self, tag: str, paths: Sequence[str]) -> None:
        """Adds files to DVC, and params.yaml to git, as they are now; commits and tags that."""
        for path in paths:
            self._dvc.add(path)
        self._git.add([*(f"{path}.dvc" for path in paths), *(["params.yaml"] if PARAMS.exists() else [])])
        self._git.commit(tag)
        self._git.tag(tag)
