"""A password is asked for only where one person can answer."""

import getpass
import sys
from types import SimpleNamespace

import pytest

from dnaf.data.archives.passwords import VARIABLE, find_password


def test_processes_that_share_the_work_do_not_each_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "typed")
    assert find_password("mine", "images.zip") == "typed"
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert find_password("mine", "images.zip") is None
    monkeypatch.setenv(VARIABLE, "set")
    assert find_password("mine", "images.zip") == "set"
