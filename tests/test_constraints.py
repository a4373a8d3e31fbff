"""constraints.txt, the versions of the committed numbers, is a set that can be installed."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINNED = {
    canonicalize_name(name): version
    for name, _, version in (line.partition("==") for line in (ROOT / "constraints.txt").read_text().split())
    if version
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OVERRIDDEN = {
    canonicalize_name(Requirement(text).name) for text in PROJECT["tool"]["uv"]["override-dependencies"]
}


def conflicts(who: str, requirements: list[str]) -> list[str]:
    """What of these requirements the pinned versions do not meet."""
    found = []
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if (
            wanted
            and name in PINNED
            and name not in OVERRIDDEN
            and not requirement.specifier.contains(PINNED[name])
        ):
            found.append(f"{who} needs {requirement} (pinned: {PINNED[name]})")
    return found


def test_what_the_project_needs_is_what_is_pinned() -> None:
    groups = PROJECT["dependency-groups"]
    needed = [*PROJECT["project"]["dependencies"], *groups["dev"]]
    assert conflicts("pyproject.toml", needed) == []
    for text in needed:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            assert canonicalize_name(requirement.name) in PINNED, text


def test_no_pinned_package_needs_another_version_of_another() -> None:
    checked = 0
    for each in distributions():
        if PINNED.get(canonicalize_name(each.metadata["Name"])) == each.version:
            checked += 1
            assert conflicts(f"{each.metadata['Name']} {each.version}", each.requires or []) == []
    assert checked  # newer packages than the pinned ones are passed over; mediapipe has one version only
