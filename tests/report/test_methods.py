from pathlib import Path

import pytest

from dnaf.core.errors import StateError
from dnaf.core.seals import seal, write_sealed
from dnaf.report.methods import read_comparable, read_metrics, rounded
from tests.helpers.scored_methods import absent, present, write

METHODS = ["dnaf", "copy_source", "pidm"]
FOLDER = Path("data/scores")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Metrics of two present methods and an absent one under `cfld`, and of one under `gfla`."""
    monkeypatch.chdir(tmp_path)
    for row in (
        present("dnaf", {"l1": 0.1}),
        present("copy_source", {"l1": 0.2}),
        absent("pidm"),
        present("dnaf", {"l1": 0.3}, "gfla", image_size="256x256"),
    ):
        write(tmp_path, row, {}, [])
    return tmp_path


def test_metrics_are_those_of_the_protocol(project: Path) -> None:
    assert read_metrics("cfld", "dnaf", FOLDER).numbers["l1"] == 0.1
    assert read_metrics("gfla", "dnaf", FOLDER) == present("dnaf", {"l1": 0.3}, "gfla", image_size="256x256")


def test_methods_keep_their_order_and_absent_ones_are_comparable_with_all(project: Path) -> None:
    rows = read_comparable("cfld", ["pidm", "copy_source", "dnaf"], FOLDER)
    assert [(row.method, row.is_present) for row in rows] == [
        ("pidm", False),
        ("copy_source", True),
        ("dnaf", True),
    ]


@pytest.mark.parametrize("key", ["pairs_sha256", "real_set", "weights", "image_size", "bootstrap"])
def test_methods_scored_in_different_ways_are_refused(project: Path, key: str) -> None:
    write(project, present("copy_source", {"l1": 0.2}, **{key: "other"}), {}, [])
    with pytest.raises(StateError, match=rf"cfld/copy_source\.json: not comparable with dnaf \({key}"):
        read_comparable("cfld", METHODS, FOLDER)


@pytest.mark.parametrize("methods", [["dnaf", "nted"], ["nted", "dnaf"]])
def test_what_was_computed_elsewhere_is_what_is_not_comparable(project: Path, methods: list[str]) -> None:
    origin = {"dnaf": "0.2.0", "commit": None, "date": None, "sha256": "abc"}
    weights = {"inception": "0123", "alexnet": "7be5be791159472b1fbf8c69"}
    write(project, present("nted", {"l1": 0.2}, weights=weights, elsewhere=origin), {}, [])
    with pytest.raises(StateError) as caught:
        read_comparable("cfld", methods, FOLDER)
    assert str(caught.value) == (
        "data/scores/cfld/nted.json: not comparable with dnaf (weights.inception: found '0123', expected "
        "'random, seed 0'). Remove data/results/nted/merged, or have the method scored as it is here."
    )


def test_numbers_of_another_protocol_are_refused(project: Path) -> None:
    (project / FOLDER / "gfla/dnaf.json").write_bytes((project / FOLDER / "cfld/dnaf.json").read_bytes())
    seal(project / FOLDER / "gfla/dnaf.json")
    with pytest.raises(StateError, match=r"gfla/dnaf\.json: .*another protocol \(found cfld, expected gfla"):
        read_metrics("gfla", "dnaf", FOLDER)


def test_missing_metrics_are_refused(project: Path) -> None:
    with pytest.raises(StateError, match=r"cfld/gfla\.json: missing"):
        read_comparable("cfld", [*METHODS, "gfla"], FOLDER)


def test_what_evaluate_did_not_write_is_refused(project: Path) -> None:
    write_sealed(project / FOLDER / "cfld/dnaf.json", '{"l1": 0.1}')
    with pytest.raises(StateError, match=r"cfld/dnaf\.json: not metrics of a method"):
        read_metrics("cfld", "dnaf", FOLDER)


def test_numbers_are_rounded_to_six_digits_and_counts_are_not() -> None:
    assert [rounded(value) for value in (0.63179188, 3.6265238e-05, -17.69316291)] == [
        0.631792,
        3.62652e-05,
        -17.6932,
    ]
    assert repr(rounded(12345678)) == "12345678"
