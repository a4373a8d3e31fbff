from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_lines, read_list

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


@given(st.text(st.sampled_from("ab \n\r"), max_size=30), st.booleans())
def test_the_lines_of_a_text_are_read_as_if_at_once(text: str, has_mark: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.txt"
        path.write_bytes(text.encode("utf-8-sig" if has_mark else "utf-8"))
        plain = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        assert list(read_lines(path)) == plain.split("\n")


def test_a_file_that_is_not_text_is_refused_though_its_first_lines_are(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"name\n" * 5000 + b"\xff\n")
    with pytest.raises(DataError, match=r"list\.txt: not a text file in UTF-8"):
        list(read_lines(path))
