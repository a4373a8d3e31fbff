import unicodedata

import pytest

from dnaf.core import filenames
from dnaf.core.errors import DataError


@pytest.mark.parametrize(
    "path",
    [
        *(".DS_Store", "a/.DS_Store", "__MACOSX/a/._b.jpg", "a/Icon\r", "Thumbs.db", "a/desktop.ini"),
        *("THUMBS.DB", "card.yaml~", "$RECYCLE.BIN/a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", ".git/"),
    ],
)
def test_what_systems_leave_behind_is_known(path: str) -> None:
    assert filenames.is_left_by_system(path)


@pytest.mark.parametrize(
    "path", ["a.jpg", "a/b.c.jpg", "thumbs.jpg", "~a.jpg", "Icon.png", "./a.jpg", "../a"]
)
def test_what_people_name_is_not_left_by_systems(path: str) -> None:
    assert not filenames.is_left_by_system(path)


@pytest.mark.parametrize(
    ("path", "suffix"), [("a/B.JPG", ".jpg"), ("a.b/c", ""), ("a.tar.gz", ".gz"), (".jpg", ""), ("a.", ".")]
)
def test_a_suffix_is_the_end_of_the_last_part_in_lower_case(path: str, suffix: str) -> None:
    assert filenames.suffix(path) == suffix


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066, 0xDCE9])
def test_characters_that_terminals_obey_or_cannot_show_are_unsafe_and_escaped(code: int) -> None:
    name = f"a{chr(code)}b.jpg"
    assert filenames.unsafe(name)
    assert filenames.printable(name, 100).isprintable()
    assert DataError(name).args[0].isprintable()


@pytest.mark.parametrize("name", ["é.jpg", "图片/前.png", "אבג.jpg", "नमस्ते.jpg", "a b (1)!.jpg", "😀.png"])
def test_letters_of_all_scripts_are_safe_and_shown_as_they_are(name: str) -> None:
    assert filenames.unsafe(name) is None
    assert filenames.shown(name) == name


def test_names_that_differ_by_case_or_composition_are_equal_when_folded() -> None:
    decomposed = unicodedata.normalize("NFD", "Café.JPG")
    assert decomposed != "Café.JPG"
    assert filenames.composed(decomposed) == "Café.JPG"
    assert filenames.folded(decomposed) == filenames.folded("cafÉ.jpg")


def test_a_message_keeps_its_beginning_and_its_remedy_however_long_its_middle_is() -> None:
    message = str(DataError(f"a.zip: {'x' * 100_000}. Rename it."))
    assert len(message) == 1500
    assert message.startswith("a.zip: xxx")
    assert message.endswith("xxx. Rename it.")
