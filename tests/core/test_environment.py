"""How threads wait is set before PyTorch is there, and never against the user."""

import os

import pytest

from dnaf.core.environment import let_threads_sleep

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {"GOMP_SPINCOUNT": "3000"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
    ],
    ids=["nothing chosen", "a count", "a policy"],
)
def test_threads_sleep_unless_the_user_says_how_they_wait(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], expected: dict[str, str]
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        let_threads_sleep()
        assert {name: os.environ[name] for name in NAMES if name in os.environ} == expected
