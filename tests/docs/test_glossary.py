"""The words that docs/glossary.md retires are in no code and in no page."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
FOLDERS = ("dnaf", "stages", "pretraining", "benchmarks", "tests", "docs", "params", "data/raw")
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".html", ".js", ".css"}
# English sentences need these; as names of things in code they are retired.
IN_SENTENCES = {"part", "looked"}
# Where a word means something else, or what an earlier version wrote.
ELSEWHERE = {
    "part": {
        "dnaf/data/archives/checks.py",
        "dnaf/core/filenames.py",  # of a path, as Python's pathlib calls it
        "dnaf/ui/guard.py",  # of a form, as MIME calls it
        "dnaf/data/demo/figure.py",  # of a body
        "tests/property/test_images_and_names.py",  # of a path
    },
    "picture": {
        "dnaf/pretraining/autoencoder.py",  # a seed
        "dnaf/pretraining/exchange.py",  # a seed
        "dnaf/pretraining/people.py",  # pictures.npy
        "tests/helpers/evaluation_project.py",  # a seed
        "tests/helpers/training_project.py",  # a seed
    },
    "codec": {
        "dnaf/model/autoencoder.py",  # folders before version 0.2.0
        "dnaf/model/pretrained/base_model.py",
        "dnaf/model/pretrained/provenance.py",
        "tests/model/pretrained/test_base_model.py",
        "tests/model/test_build.py",
        "tests/property/test_annotations.py",  # of text
        "tests/report/tables/test_latex.py",  # of text
        "tests/test_pipeline.py",
    },
    "solver": {"dnaf/model/schedulers.py", "dnaf/model/pretrained/config_bounds.py"},  # diffusers' names
    "floor": {
        "dnaf/data/demo/pose.py",  # under the feet
        "tests/contract/test_protocols.py",  # rounding
    },
}


def retired() -> list[str]:
    """First column of the table of retired words."""
    table = GLOSSARY.read_text(encoding="utf-8").partition("## Retired words")[2]
    return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]


def pages() -> Iterator[Path]:
    """Every file that people write, but the glossary, this test, and the history in CHANGELOG.md."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    found += [*ROOT.glob("*.md"), *ROOT.glob("*.yaml")]
    skipped = {GLOSSARY, Path(__file__).resolve(), ROOT / "CHANGELOG.md"}
    for path in sorted(set(found) - skipped):
        if path.suffix in SUFFIXES and "vendor" not in path.parts:
            yield path


def names(text: str) -> str:
    """The names in Python code, without attributes of others (`path.parts`) and without tests' sentences."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    return "\n".join(
        token.string
        for before, token in zip([tokens[0], *tokens], tokens, strict=False)
        if token.type == tokenize.NAME and before.string != "." and not token.string.startswith("test_")
    )


def pattern(word: str) -> re.Pattern[str]:
    """A word by itself, in snake_case or in CamelCase; not `np.floor`, not `--reference-set`."""
    if not word.replace(" ", "").isalpha():
        return re.compile(rf"{re.escape(word)}(?![\w-])")
    spelled = word.replace(" ", "[ _-]")
    return re.compile(rf"(?<![A-Za-z.]){spelled}s?(?![a-z])|(?<![.]){spelled.capitalize()}s?(?![a-z])")


def uses() -> dict[str, set[str]]:
    """Files that have each retired word."""
    found: dict[str, set[str]] = {word: set() for word in retired()}
    for path in pages():
        text = path.read_text(encoding="utf-8")
        code = names(text) if path.suffix == ".py" else ""
        for word, files in found.items():
            if pattern(word).search(code if word in IN_SENTENCES else text):
                files.add(path.relative_to(ROOT).as_posix())
    return found


def test_retired_words_are_gone() -> None:
    found = uses()
    assert len(found) > 5
    left = {word: sorted(files - ELSEWHERE.get(word, set())) for word, files in found.items()}
    assert {word: files for word, files in left.items() if files} == {}


def test_every_exception_is_needed() -> None:
    found = uses()
    assert {word: files - found[word] for word, files in ELSEWHERE.items() if files - found[word]} == {}


def test_a_retired_word_is_found_however_it_is_written() -> None:
    for text in ("codec", "the codecs", "_load_codec", "VaeCodec", "Codec"):
        assert pattern("codec").search(text), text
    for text in ("heat map", "heat_maps", "Heat maps"):
        assert pattern("heat map").search(text), text
    for text in ("encodec_like", "np.floor(x)", "heatmaps", "--reference-set"):
        assert not any(
            pattern(word).search(text) for word in ("codec", "floor", "heat map", "--reference")
        ), text
