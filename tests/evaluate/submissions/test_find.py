from pathlib import Path

import pytest

from dnaf.evaluate.submissions.find import find_results
from dnaf.evaluate.submissions.method_card import Card
from tests.helpers.published_results import write_folder

CARD = Card(title="A", paper=None, repository=None, naming=None, panels=None)


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._a.png", "card.yaml~", "@eaDir/a.png"]
)
def test_what_systems_and_editors_leave_behind_is_no_result(tmp_path: Path, name: str) -> None:
    write_folder(tmp_path / "pidm", {"card.yaml": b"", name: b"x"})
    assert find_results("pidm", tmp_path, CARD) is None
    write_folder(tmp_path / "dnaf", {"generated.zip": b"x", name: b"x"})
    assert find_results("dnaf", tmp_path, CARD) == [tmp_path / "dnaf/generated.zip"]
