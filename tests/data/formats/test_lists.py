from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_list

NAME = "fashionWOMENTees_Tanksid0000000101_1front.jpg"


def test_a_list_with_byte_order_mark_and_carriage_returns_is_read(tmp_path: Path) -> None:
    other = NAME.replace("1front", "3back")
    (tmp_path / "train.lst").write_bytes(b"\xef\xbb\xbf" + f"{NAME}\r\n{other}\r\n".encode())
    assert read_list(tmp_path / "train.lst", deepfashion.name_of) == [NAME, other]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{NAME}\nx.jpg\n".encode(), r"train\.lst:2: 'x\.jpg': not a DeepFashion"),
        (f"{NAME}\n\n{NAME}\n".encode(), r"train\.lst:2: '': not a DeepFashion"),
        (f"{NAME}\n{NAME}\n".encode(), r"train\.lst:2: listed twice .*line 1"),
        (b"", r"train\.lst:1: '': not a DeepFashion"),
        (b"\xff\xfe\x00", r"train\.lst: not a text file"),
    ],
)
def test_a_malformed_list_is_refused_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.lst").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_list(tmp_path / "train.lst", deepfashion.name_of)


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.lst: could not be read"):
        read_list(tmp_path / "train.lst", deepfashion.name_of)
