"""The commands that messages tell a user to run, all of one form: it needs no activated environment."""


def stage(name: str, *arguments: str) -> str:
    """How a stage is run by hand, with its arguments."""
    return " ".join([module("stages", name), *arguments])


def module(package: str, name: str) -> str:
    """How a command of a package is run."""
    return f"uv run python -m {package}.{name}"


def dvc(*arguments: str) -> str:
    """How DVC is called."""
    return " ".join(["uv run dvc", *arguments])


def install(extra: str) -> str:
    """How the packages of an extra of pyproject.toml are installed."""
    return f"uv sync --extra {extra}"
