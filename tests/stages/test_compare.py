import subprocess
import sys

import pytest

from tests.helpers.messages import error_of
from tests.helpers.training_project import ROOT


@pytest.mark.parametrize("arguments", [["full"], ["full="], ["=main"], ["a=main", "a=main"]])
def test_what_is_no_variant_is_told_in_one_sentence(arguments: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "stages.compare", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert "NAME=REVISION" in error_of(ran.stderr)
