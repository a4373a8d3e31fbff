"""Result sets and base models that are damaged at random; unlike test_attacks.py, with torch."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from dnaf.core import files, images
from dnaf.data.pairs.pairs import pair_id
from dnaf.evaluate.submissions.find import find_results
from dnaf.evaluate.submissions.method_card import read_card
from dnaf.evaluate.submissions.open import open_results
from dnaf.model.pretrained.base_model import load_base
from tests.helpers import base_folders
from tests.helpers import training_project as _one_thread  # noqa: F401
from tests.helpers.attacks import COUNTS, NAMED, Attacked, attack
from tests.helpers.evaluation_project import EvaluationProject
from tests.helpers.no_network import no_network
from tests.helpers.published_results import encode, write_folder, write_zip


@COUNTS
def test_result_sets(tmp_path: Path, count: int) -> None:
    (tmp_path / "project").mkdir()
    project = EvaluationProject(tmp_path / "project")
    generated = project.generated()
    store = tmp_path / "project/data/results/dnaf/generated.zip"
    project.add_results()
    published = {
        f"{source}_2_{target}_vis.png": encode(generated[f"{pair_id(source, target)}.png"], "a.png")
        for source, target in project.pairs
    }

    def results(method: str, write: Callable[[Path], object], *, may_be_another: bool = False) -> Attacked:
        card = read_card(project.root / "data/results" / method / "card.yaml")

        def read(folder: Path) -> object:
            found = find_results(method, folder, card)
            if not found:
                return None
            opened = open_results(method, found, card, project.data)
            return [opened.generated(pair).tobytes() for pair in project.pairs]

        def check(found: object) -> None:
            assert found is None or may_be_another  # all of it is gone: not supplied

        def written(folder: Path) -> None:
            (folder / method).mkdir()
            write(folder / method)

        return Attacked(written, read, check)

    kinds = {
        "generated": results("dnaf", lambda folder: shutil.copy(store, folder)),
        "published zip": results("pidm", lambda folder: write_zip(folder / "a.zip", published)),
        "published folder": results("pidm", lambda folder: write_folder(folder / "a", published)),
        "published JPEGs": results(
            "gfla",
            lambda folder: write_folder(folder / "a", jpegs(published)),
            may_be_another=True,  # a JPEG has no checksum
        ),
    }
    outcomes = attack(kinds, count, 10, tmp_path)
    assert outcomes[NAMED] > count / 3


def jpegs(pngs: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name[:-4]}.jpg": images.encode_jpeg(images.decode(data, name)) for name, data in pngs.items()}


@COUNTS
def test_base_models(tmp_path: Path, count: int) -> None:
    def write_sealed_base(folder: Path) -> None:
        base_folders.write_own(folder / "base")
        files.write_manifest(folder / "base")

    def read(folder: Path) -> str:
        base = load_base(folder / "base")
        digest = hashlib.sha256()
        for module in (base.unet, base.autoencoder, base.style_encoder):
            for tensor in module.state_dict().values() if module is not None else ():
                digest.update(tensor.numpy().tobytes())
        return digest.hexdigest() + base.prompt.digest

    kinds = {
        "base with a manifest": Attacked(write_sealed_base, read, has_checksums=True),
        "clone of Stable Diffusion": Attacked(lambda f: base_folders.write_sd(f / "base", "sd-1.5"), read),
    }
    with no_network() as asked:
        outcomes = attack(kinds, count, 11, tmp_path)
    assert not asked
    assert outcomes[NAMED] > count / 4
