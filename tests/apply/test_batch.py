from pathlib import Path

import pytest

from dnaf.apply.batch import read_orders
from dnaf.core.errors import DataError

HEADER = "person,person_pose,pose,pose_size,out\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_of_one_person_come_together_and_keep_their_order(tmp_path: Path) -> None:
    rows = "b,,1,,b1.png\na,a.json,1,64x48,a1.png\nb,,2,,b2.png\na,,2,,a2.png\n"
    orders = read_orders(write(tmp_path, HEADER + rows))
    assert [str(order.out) for order in orders] == ["b1.png", "b2.png", "a1.png", "a2.png"]
    assert (orders[2].person_pose, orders[2].pose_size) == (Path("a.json"), "64x48")
    assert (orders[0].person_pose, orders[0].pose_size) == (None, None)


def test_optional_columns_may_be_left_out_and_a_byte_order_mark_is_none_of_the_header(tmp_path: Path) -> None:
    (order,) = read_orders(write(tmp_path, "\ufeffout,person,pose\nü.png, a ,b.json\n"))
    assert (order.person, order.pose, order.out) == ("a", "b.json", Path("ü.png"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "another header"),
        ("person,pose\na,b\n", "another header"),
        ("person,pose,out,colour\na,b,c.png,red\n", "another header"),
        ("person,pose,out,out\na,b,c.png,d.png\n", "another header"),
        ("person,pose,out\n", "no rows"),
        ("person,pose,out\na,b\n", "row 2: not as many cells"),
        ("person,pose,out\na,b,c.png,d\n", "row 2: not as many cells"),
        ("person,pose,out\na,b,c.png\n\n", "row 3: not as many cells"),
        ("person,pose,out\na, ,c.png\n", "row 2: pose is empty"),
        ("person,pose,out\na,b,c.jpg\n", r"row 2: c\.jpg is no PNG"),
        ("person,pose,out\na,b,c.png\nb,b,c.png\n", r"row 3: c\.png is written by an earlier row"),
    ],
)
def test_a_wrong_table_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_orders(write(tmp_path, text))


def test_what_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable CSV"):
        read_orders(tmp_path / "absent.csv")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff")
    with pytest.raises(DataError, match="not a readable CSV"):
        read_orders(tmp_path / "image.csv")
