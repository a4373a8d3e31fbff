from pathlib import Path

import numpy as np
import pytest

from dnaf.core import files, images
from dnaf.core.errors import DataError
from stages import applications
from tests.helpers.application_project import ApplicationProject
from tests.helpers.training_project import SIZE


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ApplicationProject:
    """A project with one image in data/artwork, which becomes the current folder."""
    made = ApplicationProject(tmp_path)
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    files.write_atomic(tmp_path / "data/artwork/noise.png", images.encode_png(image))
    monkeypatch.chdir(tmp_path)
    return made


def test_a_sheet_of_each_application_is_drawn_as_png_and_pdf(project: ApplicationProject) -> None:
    made, next_step = applications.main().splitlines()
    assert made == "4 sheets → metrics/applications; as PDF → data/applications"
    assert "`uv run python -m stages.apply --help`" in next_step
    names = ("artwork", "interpolation", "mix", "try_on")
    assert {path.name for path in Path("metrics/applications").iterdir()} == {f"{name}.png" for name in names}
    assert {path.name for path in Path("data/applications").iterdir()} == {f"{name}.pdf" for name in names}
    for name in names:
        assert images.read(Path(f"metrics/applications/{name}.png")).shape[1] > 3 * SIZE[1]


def test_a_folder_without_images_is_told(project: ApplicationProject) -> None:
    Path("data/artwork/noise.png").unlink()
    with pytest.raises(DataError, match=r"data/artwork: no images"):
        applications.main("demo")


def test_pairs_without_hips_are_told_and_nothing_is_written(project: ApplicationProject) -> None:
    table = Path("data/pairs/keypoints.csv")
    header, *rows = table.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[17:19] = ["", ""]  # the right hip
    table.write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n")
    files.write_manifest(Path("data/pairs"), {"frame": [256, 176]})
    with pytest.raises(DataError, match=r"too few pairs with neck and hips \(found 0 of 4, expected 2\)"):
        applications.main("demo")
    assert not Path("metrics/applications").exists()
