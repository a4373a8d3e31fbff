import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnaf.core import files, images
from dnaf.core.errors import BaseModelError, ConfigError, DataError, StateError
from stages import apply
from tests.apply.test_other_base import fine_tuned
from tests.helpers import base_folders, processes
from tests.helpers.application_project import ApplicationProject, in_model_pixels
from tests.helpers.messages import error_of
from tests.helpers.training_project import SIZE, model_params
from tests.model.test_saving import trained


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ApplicationProject:
    return ApplicationProject(tmp_path_factory.mktemp("project"))


@pytest.fixture(autouse=True)
def folder(project: ApplicationProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project becomes the current folder."""
    monkeypatch.chdir(project.root)


def test_a_photograph_takes_the_pose_of_a_file(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("photo.png").write_bytes(images.encode_png(np.full((*SIZE, 3), 200, np.uint8)))
    points = in_model_pixels(project.keypoints[project.names[0]])
    flat = [value for x, y in points.tolist() for value in (x, y, 1.0)]
    pose = Path("pose.json")
    pose.write_text(json.dumps({"people": [{"pose_keypoints_2d": flat}]}))
    apply.pose("photo.png", "pose.json", Path("out.png"), style_pose=pose, preview=Path("preview.png"))
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "preview.png",
        "out.png",
        "32x24 pixels, as the model makes them: --scale 8 enlarges them",
    ]
    assert printed.err == (
        "photo.png: not an image of the data set that data/model was trained on. "
        "It knows drawn people only: of a photograph expect rough colours and shapes.\n"
    )
    assert images.read(Path("out.png")).shape == (*SIZE, 3)
    assert images.read(Path("preview.png")).shape[1] > 2 * 144


def test_try_on_keeps_the_person_outside_of_a_mask(project: ApplicationProject) -> None:
    person, garment_from, *_ = project.names
    drawn = np.zeros(SIZE, np.uint8)
    drawn[10:20, 8:16] = 255
    Path("mask.png").write_bytes(images.encode_png(drawn))
    apply.try_on(person, garment_from, Path("on.png"), mask=Path("mask.png"), preview=Path("given.png"))
    outside = drawn == 0
    expected = project.inputs().person(person).image
    assert (images.read(Path("on.png"))[outside] == expected[outside]).all()
    assert (images.read(Path("on.png")) != expected).any()


def test_a_kept_background_is_the_photograph_s_to_the_pixel(project: ApplicationProject) -> None:
    person, other, *_ = project.names
    labels = np.zeros(SIZE, np.uint8)
    labels[4:30, 8:16] = 5
    Path("labels.png").write_bytes(images.encode_png(labels))
    expected = project.inputs().person(person).image
    apply.pose(person, other, Path("by-pose.png"), keep_background=True, preview=Path("given.png"))
    assert images.read(Path("given.png")).shape[1] > 3 * 144
    apply.pose(
        person,
        other,
        Path("by-labels.png"),
        keep_background=True,
        mask=Path("labels.png"),
        labels="lip",
        soften=1,
    )
    for name in ("by-pose.png", "by-labels.png"):
        kept = (images.read(Path(name)) == expected).all(axis=2)
        assert kept[:, :2].all()
        assert not kept[4:30, 8:16].all()


def test_a_garment_is_where_a_parser_saw_it_and_ends_softly(project: ApplicationProject) -> None:
    person, garment_from, *_ = project.names
    labels = np.zeros(SIZE, np.uint8)
    labels[10:20, 8:16] = 4
    Path("labels.png").write_bytes(images.encode_png(labels))
    apply.try_on(person, garment_from, Path("on.png"), mask=Path("labels.png"), labels="atr", soften=2)
    changed = (images.read(Path("on.png")) != project.inputs().person(person).image).any(axis=2)
    assert changed[10:20, 8:16].any()
    assert not changed[:8].any()
    assert not changed[:, 18:].any()


def test_options_of_a_mask_that_is_not_there_are_refused(project: ApplicationProject) -> None:
    name, out = project.names[0], Path("no.png")
    with pytest.raises(ConfigError, match="--labels: of no image"):
        apply.try_on(name, name, out, labels="lip")
    with pytest.raises(ConfigError, match="for a kept background only"):
        apply.pose(name, name, out, soften=2)
    assert not out.exists()


def test_another_size_is_told_and_one_out_of_range_refused(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = project.names
    apply.pose(first, second, Path("tall.png"), size="48x24", low_memory=True)
    assert images.read(Path("tall.png")).shape == (48, 24, 3)
    assert (
        "48x24 pixels: the model was trained at 32x24 and has seen no other size" in capsys.readouterr().err
    )
    for size in ("48x20", "8x24", "72x24", "48by24", "0x0"):
        with pytest.raises(ConfigError, match=rf"--size: not one for this model \(found {size}, expected"):
            apply.pose(first, second, Path("no.png"), size=size)
    assert not Path("no.png").exists()


def test_a_result_is_enlarged_to_squares_and_an_image_of_the_data_set_needs_no_hint(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = project.names
    apply.pose(first, second, Path("small.png"))
    capsys.readouterr()
    apply.pose(first, second, Path("large.png"), scale=8)
    assert capsys.readouterr() == ("large.png\n", "")
    small, large = images.read(Path("small.png")), images.read(Path("large.png"))
    assert (large == small.repeat(8, axis=0).repeat(8, axis=1)).all()


def test_files_are_looked_at_before_the_model(project: ApplicationProject) -> None:
    name, nowhere, out = project.names[0], Path("nowhere"), Path("no.png")
    Path("large.png").write_bytes(images.encode_png(np.full((2 * SIZE[0], SIZE[1]), 255, np.uint8)))
    for refused, sentence in (
        (lambda: apply.pose(name, "no.json", out, model=nowhere), r"no\.json: could not be read"),
        (
            lambda: apply.try_on(name, name, out, mask=Path("large.png"), model=nowhere),
            r"large\.png: not the size of",
        ),
        (
            lambda: apply.mix(name, name, name, out, mask=Path("large.png"), model=nowhere),
            r"large\.png: not the size of",
        ),
        (lambda: apply.interpolate(name, name, "nobody", out, model=nowhere), "nobody: no such file"),
    ):
        with pytest.raises(DataError, match=sentence):
            refused()


def test_try_on_finds_a_garment_by_the_pose(project: ApplicationProject) -> None:
    person, garment_from, *_ = project.names
    apply.try_on(person, garment_from, Path("lower.png"), garment="lower")
    changed = (images.read(Path("lower.png")) != project.inputs().person(person).image).any(axis=2)
    assert changed.any()
    assert not changed[: SIZE[0] // 3].any()


def test_artwork_and_mix_write_an_image(project: ApplicationProject) -> None:
    first, second, third, _ = project.names
    apply.artwork(first, second, Path("art.png"), preview=Path("given.png"))
    apply.mix(first, third, second, Path("mixed.png"), preview=Path("given.png"))
    for name in ("art.png", "mixed.png"):
        assert images.read(Path(name)).shape == (*SIZE, 3)


def test_interpolation_writes_a_row_and_animations(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third, _ = project.names
    apply.interpolate(first, second, third, Path("walk"), frames=3)
    row = images.read(Path("walk.png"))
    assert row.shape[1] > 3 * 144
    assert Path("walk.gif").read_bytes().startswith(b"GIF89a")
    assert Path("walk.mp4").read_bytes()[4:8] == b"ftyp"
    assert capsys.readouterr().out.splitlines() == ["walk.png", "walk.gif", "walk.mp4"]


def test_without_ffmpeg_the_gif_is_there_and_it_is_said(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    first, second, third, _ = project.names
    apply.interpolate(first, second, third, Path("still"), frames=2)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["still.png", "still.gif"]
    assert "still.mp4: not written, for there is no ffmpeg" in printed.err
    assert not Path("still.mp4").exists()


def test_an_image_that_is_none_writes_nothing(project: ApplicationProject) -> None:
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(DataError, match=r"broken\.jpg: not a readable JPEG or PNG image"):
        apply.artwork("broken.jpg", project.names[0], Path("no.png"))
    assert not Path("no.png").exists()


@pytest.mark.parametrize(
    "command",
    [
        lambda name, out: apply.pose("nobody", name, out),
        lambda name, out: apply.pose(name, "nobody", out),
        lambda name, out: apply.artwork(name, "nobody", out),
        lambda name, out: apply.try_on("nobody", name, out),
        lambda name, out: apply.try_on(name, "nobody", out),
        lambda name, out: apply.mix(name, "nobody", name, out),
        lambda name, out: apply.interpolate(name, "nobody", name, out),
        lambda name, out: apply.interpolate(name, name, "nobody", out),
    ],
)
def test_every_command_refuses_a_name_that_is_none(
    project: ApplicationProject, command: Callable[[str, Path], None]
) -> None:
    with pytest.raises(DataError, match="nobody: no such file, nor an image of the data set"):
        command(project.names[0], Path("no"))
    assert not list(Path.cwd().glob("no*"))


def test_a_missing_model_is_told(project: ApplicationProject) -> None:
    name = project.names[0]
    with pytest.raises(StateError, match="nowhere: not complete"):
        apply.pose(name, name, Path("no.png"), model=Path("nowhere"))


def test_the_command_tells_a_wrong_name_in_one_sentence(project: ApplicationProject) -> None:
    finished = processes.run_command(
        project,
        *(
            "stages.apply",
            "try-on",
            "--person",
            project.names[0],
            "--garment-from",
            "nobody",
            "--out",
            "no.png",
        ),
    )
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert error_of(finished.stderr).startswith("error: nobody: no such file, nor an image of the data set")


def test_the_command_imports_only_what_it_uses_and_draws_the_same_image(
    project: ApplicationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, other, *_ = project.names
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # Python names on stderr all that it imports
    finished = processes.run_command(
        project, "stages.apply", "pose", "--style", name, "--pose", other, "--out", "lean.png"
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    imported = {line.rpartition("|")[2].strip() for line in finished.stderr.splitlines()}
    assert "diffusers.models.unets.unet_2d_condition" in imported
    assert {"transformers", "scipy", "triton.language", "matplotlib"} & imported == set()
    apply.pose(name, other, Path("own.png"))
    assert (images.read(Path("lean.png")) == images.read(Path("own.png"))).all()


def test_a_wanted_pose_is_fitted_to_the_person(project: ApplicationProject) -> None:
    name = project.names[0]
    points = in_model_pixels(project.keypoints[name]) / 2
    flat = [value for x, y in points.tolist() for value in (x, y, 1.0)]
    Path("half.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": flat}]}))
    apply.pose(name, name, Path("own.png"))
    apply.pose(name, "half.json", Path("fitted.png"), fit_pose=True)
    apply.pose(name, "half.json", Path("not-fitted.png"))
    own, fitted, not_fitted = (images.read(Path(f"{each}.png")) for each in ("own", "fitted", "not-fitted"))
    assert (fitted == own).all()
    assert (not_fitted != own).any()


def test_several_images_of_a_person_are_given_each_with_its_pose(project: ApplicationProject) -> None:
    first, second, third, wanted = project.names[:4]
    apply.pose(first, wanted, Path("one.png"))
    apply.pose(first, wanted, Path("three.png"), also=[second, third], preview=Path("given.png"))
    one, three, given = (images.read(Path(f"{each}.png")) for each in ("one", "three", "given"))
    assert (one != three).any()
    assert given.shape[1] > 4 * 144  # three images of the person, and the wanted pose
    with pytest.raises(ConfigError, match=r"^--also-pose: not one for each --also \(found 1 for 2\)"):
        apply.pose(first, wanted, Path("no.png"), also=[second, third], also_pose=[Path("a.json")])
    assert not Path("no.png").exists()


def test_a_table_gives_what_each_row_gives_alone_and_a_second_run_makes_what_is_missing(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.set_params(generate={"batch_size": 2})
    first, second, *_ = project.names
    pairs = [(first, second), (second, first), (first, first)]
    rows = [f"{person},{wanted},batch/{index}.png" for index, (person, wanted) in enumerate(pairs)]
    Path("orders.csv").write_text("\n".join(["person,pose,out", *rows]) + "\n")
    apply.batch(Path("orders.csv"), preview=Path("orders.png"))
    assert capsys.readouterr().out.splitlines()[-1] == "3 images → batch/0.png, …"
    for index, (person, wanted) in enumerate(pairs):
        apply.pose(person, wanted, Path("alone.png"))
        alone, batched = (images.read(Path(name)).astype(int) for name in ("alone.png", f"batch/{index}.png"))
        assert np.abs(alone - batched).max() <= 1, "rounding of another batch"
    before = Path("batch/0.png").stat().st_mtime_ns
    Path("batch/1.png").unlink()
    capsys.readouterr()
    apply.batch(Path("orders.csv"))
    printed = capsys.readouterr()
    assert "2 of 3 images are there and stay" in printed.err
    assert printed.out.splitlines()[-1] == "1 images → batch/1.png, …"
    assert Path("batch/0.png").stat().st_mtime_ns == before


def test_a_table_that_names_what_is_not_there_writes_nothing(project: ApplicationProject) -> None:
    name = project.names[0]
    Path("wrong.csv").write_text(
        f"person,pose,out\n{name},{name},wrong/0.png\n{name},absent.json,wrong/1.png\n"
    )
    with pytest.raises(DataError, match=r"absent\.json"):
        apply.batch(Path("wrong.csv"))
    assert not Path("wrong").exists()


def test_another_base_of_the_family_is_told_and_named_in_the_image(
    project: ApplicationProject, capsys: pytest.CaptureFixture[str]
) -> None:
    base = base_folders.write_sd(Path("base"), "sd-1.5")
    pipeline = trained(model_params(base="base", style_encoder="test_convnext"))
    with files.atomic_folder(Path("adapter")) as temporary:
        pipeline.save_pretrained(temporary)
        files.write_manifest(temporary, {})
    tuned, model, name = fine_tuned(base, Path("tuned")), Path("adapter"), project.names[0]
    for out, chosen in (("own.png", None), ("same.png", base), ("other.png", tuned)):
        apply.pose(name, project.names[2], Path(out), model=model, base=chosen, size="64x48")
    own, same, other = (images.read(Path(f"{out}.png")) for out in ("own", "same", "other"))
    assert (own == same).all()
    assert (own != other).any()
    assert capsys.readouterr().err.count("not the base that adapter was trained on, which was base") == 1
    with Image.open("own.png") as image:
        assert image.info == {}
    with Image.open("other.png") as image:
        assert image.info == {
            "Software": "dnaf", "Model": "adapter", "Base model": "tuned", "Trained on base model": "base"
        }  # fmt: skip


def test_a_model_of_no_base_can_be_put_on_none(project: ApplicationProject) -> None:
    base_folders.write_sd(Path("any"), "sd-1.5")
    with pytest.raises(BaseModelError, match="not on a base model, so that none can be exchanged"):
        apply.pose(project.names[0], project.names[2], Path("none.png"), base=Path("any"))
    assert not Path("none.png").exists()
