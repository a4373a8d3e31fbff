"""Use the trained model on images of your own.

Reads: data/model, and the images and poses that the options name

Writes: what --out names

params.yaml: generate, render, datasets, dataset, seed

Documentation: docs/applications.md
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dnaf.core.errors import ConfigError
from stages import _command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dnaf.apply.frame import Fit
    from dnaf.apply.input_reader import InputReader
    from dnaf.apply.masks.by_pose import Garment
    from dnaf.apply.masks.label_image import Region
    from dnaf.apply.masks.label_sets import LabelSetName
    from dnaf.apply.masks.mask import Mask, Weights
    from dnaf.apply.painter import Painter
    from dnaf.apply.person import Person
    from dnaf.core.images import Pixels, Size
else:
    from typing import Literal

    # Typer reads annotations when it starts; these modules would load OpenCV for `--help`.
    Fit, Garment = Literal["pad", "crop"], Literal["upper", "lower"]
    LabelSetName = Literal["atr", "lip", "fashionpedia"]

_STEP = 8  # pixels: a latent cell of Stable Diffusion's autoencoders
_IMAGE = "a JPEG or PNG, or the name of an image of the data set"
_IN_ITS_PIXELS = "OpenPose JSON in the image's pixels; needed for a photograph without --detector"

Style = Annotated[str, typer.Option(help=f"Whose looks: {_IMAGE}")]
StylePose = Annotated[Path | None, typer.Option(help=f"The style's own pose: {_IN_ITS_PIXELS}")]
Also = Annotated[
    list[str] | None,
    typer.Option(help=f"A further image of the same person, or several, each named so: {_IMAGE}"),
]
AlsoPose = Annotated[
    list[Path] | None, typer.Option(help=f"The pose of each --also, in their order: {_IN_ITS_PIXELS}")
]
Pose = Annotated[
    str, typer.Option(help="OpenPose JSON, a photograph, or the name of an image of the data set")
]
PoseSize = Annotated[
    str | None,
    typer.Option(
        help="What the pixels of a pose file are of: HEIGHTxWIDTH, or the photograph itself; by default the "
        "file's own canvas, or else the model's size"
    ),
]
Out = Annotated[Path, typer.Option(help="Where to write the image, a PNG")]
Model = Annotated[Path, typer.Option(help="The trained model")]
Base = Annotated[
    Path | None,
    typer.Option(
        help="A base model of the same family, such as a fine-tune, in place of that of the training"
    ),
]
FitTo = Annotated[Fit, typer.Option(help="Photographs of another shape: borders around them, or cut")]
Detector = Annotated[
    str | None,
    typer.Option(
        help="Finds the poses in photographs: mediapipe, or RTMPose's ONNX file; needs dnaf[photos]"
    ),
]
FitPose = Annotated[
    bool, typer.Option("--fit-pose", help="Scale and move the wanted pose to the person's trunk")
]
Preview = Annotated[
    Path | None, typer.Option(help="Where to write a sheet, a PNG, of what the model is given")
]
Scale = Annotated[
    int,
    typer.Option(min=1, max=64, help="Enlarge the result to look at it: each pixel a square of this side"),
]
Labels = Annotated[
    LabelSetName | None, typer.Option(help="--mask is a human parser's label image, whose labels are these")
]
Soften = Annotated[
    int,
    typer.Option(min=0, max=64, help="Let the mask end softly, in so many pixels of the result around it"),
]
SizeOf = Annotated[
    str | None,
    typer.Option(
        help=f"HEIGHTxWIDTH of the result, multiples of {_STEP}, each from half to twice that of the training"
    ),
]
LowMemory = Annotated[
    bool,
    typer.Option(
        "--low-memory", help="One image at a time, and on an accelerator only the component that is at work"
    ),
]
_MODEL = Path("data/model")
_SHEET_ROWS = 20
_SMALL = 256  # pixels: a result that is less high is hard to see


def pose(
    style: Style,
    pose: Pose,
    out: Out,
    style_pose: StylePose = None,
    also: Also = None,
    also_pose: AlsoPose = None,
    pose_size: PoseSize = None,
    model: Model = _MODEL,
    base: Base = None,
    scale: Scale = 1,
    fit: FitTo = "pad",
    fit_pose: FitPose = False,
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Preview = None,
    keep_background: Annotated[
        bool,
        typer.Option(
            "--keep-background", help="Outside of the person, then and now, every pixel is --style's"
        ),
    ] = False,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="For --keep-background: white where the person is, as large as --style's image; else "
            "found by the pose"
        ),
    ] = None,
    labels: Labels = None,
    soften: Soften = 0,
) -> None:
    """Draw a person in another pose."""
    from dnaf.apply.masks.by_pose import body_mask
    from dnaf.apply.sheet import enlarged, with_mask, with_skeleton
    from dnaf.apply.trunk import fitted

    if not keep_background and (mask is not None or labels is not None or soften):
        raise ConfigError("--mask, --labels, --soften: for a kept background only. Add --keep-background.")
    inputs = _inputs(fit, detector, size)
    person, wanted = _person(inputs, style, style_pose, also, also_pose), inputs.pose(pose, pose_size)
    if fit_pose:
        wanted = fitted(wanted, person.keypoints)
    given = [with_skeleton(each.image, each.keypoints) for each in (person, *person.others)]
    given.append(with_skeleton(person.image, wanted))
    if keep_background:
        there = _region(inputs, mask, labels, "person", style)
        there = body_mask(person.keypoints, inputs.size) if there is None else there
        inside = _softened(there | body_mask(wanted, inputs.size), soften)
        given.append(enlarged(with_mask(person.image, inside > 0)))
    _hint(model, style, *(also or []))
    _write_preview(preview, given)
    painter = _painter(model, base, inputs.size, low_memory)
    if not keep_background:
        _write_result(out, painter.generate([person], [wanted])[0], scale, painter)
        return

    # Only now what takes seconds to import: a wrong file is told at once.
    from dnaf.apply.repaint import repaint

    _write_result(out, repaint(painter, person.image, inside, person, wanted), scale, painter)


def artwork(
    style: Annotated[str, typer.Option(help=f"Any image: {_IMAGE}")],
    pose: Pose,
    out: Out,
    pose_size: PoseSize = None,
    model: Model = _MODEL,
    base: Base = None,
    scale: Scale = 1,
    fit: FitTo = "crop",
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Preview = None,
) -> None:
    """Draw a person in the looks of an image that need not show anyone."""
    from dnaf.apply.sheet import with_skeleton

    inputs = _inputs(fit, detector, size)
    image, wanted = inputs.artwork(style), inputs.pose(pose, pose_size)
    _write_preview(preview, [with_skeleton(image.image, wanted)])
    painter = _painter(model, base, inputs.size, low_memory)
    _write_result(out, painter.generate([image], [wanted])[0], scale, painter)


def try_on(
    person: Annotated[str, typer.Option(help=f"Who puts it on: {_IMAGE}")],
    garment_from: Annotated[str, typer.Option(help=f"Who wears it: {_IMAGE}")],
    out: Out,
    mask: Annotated[
        Path | None, typer.Option(help="White where to repaint, as large as --person's image; else --garment")
    ] = None,
    garment: Annotated[
        Garment, typer.Option(help="Where to repaint, found by the pose or by --labels")
    ] = "upper",
    labels: Labels = None,
    soften: Soften = 0,
    person_pose: Annotated[Path | None, typer.Option(help=f"Pose of --person: {_IN_ITS_PIXELS}")] = None,
    garment_pose: Annotated[
        Path | None, typer.Option(help=f"Pose of --garment-from: {_IN_ITS_PIXELS}")
    ] = None,
    model: Model = _MODEL,
    base: Base = None,
    scale: Scale = 1,
    fit: FitTo = "pad",
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Preview = None,
) -> None:
    """Put a garment of one person on another; outside the mask every pixel stays."""
    from dnaf.apply.masks.by_pose import garment_mask
    from dnaf.apply.sheet import enlarged, with_mask, with_skeleton

    inputs = _inputs(fit, detector, size)
    wearer = inputs.person(person, person_pose)
    giver = inputs.person(garment_from, garment_pose)
    region = _region(inputs, mask, labels, garment, person)
    region = garment_mask(wearer.keypoints, inputs.size, garment) if region is None else region
    inside = _softened(region, soften)
    _write_preview(
        preview,
        [
            with_skeleton(wearer.image, wearer.keypoints),
            enlarged(with_mask(wearer.image, inside > 0)),
            with_skeleton(giver.image, giver.keypoints),
        ],
    )
    _hint(model, person, garment_from)

    # Only now what takes seconds to import: a wrong file is told at once.
    from dnaf.apply.repaint import try_on

    painter = _painter(model, base, inputs.size, low_memory)
    _write_result(out, try_on(painter, wearer, inside, giver), scale, painter)


def mix(
    upper: Annotated[str, typer.Option(help=f"Looks above the hips: {_IMAGE}")],
    lower: Annotated[str, typer.Option(help=f"Looks below the hips: {_IMAGE}")],
    pose: Pose,
    out: Out,
    mask: Annotated[
        Path | None, typer.Option(help="White where --upper counts, in the model's size; else above the hips")
    ] = None,
    upper_pose: Annotated[Path | None, typer.Option(help=f"Pose of --upper: {_IN_ITS_PIXELS}")] = None,
    soften: Soften = 0,
    lower_pose: Annotated[Path | None, typer.Option(help=f"Pose of --lower: {_IN_ITS_PIXELS}")] = None,
    pose_size: PoseSize = None,
    model: Model = _MODEL,
    base: Base = None,
    scale: Scale = 1,
    fit: FitTo = "pad",
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Preview = None,
) -> None:
    """Draw a person with the upper garment of one image and the lower of another."""
    from dnaf.apply.masks.by_pose import above_hips
    from dnaf.apply.sheet import with_mask, with_skeleton

    inputs = _inputs(fit, detector, size)
    persons = inputs.person(upper, upper_pose), inputs.person(lower, lower_pose)
    wanted = inputs.pose(pose, pose_size)
    region = above_hips(wanted, inputs.size) if mask is None else inputs.mask(mask)
    inside = _softened(region, soften)
    _write_preview(
        preview,
        [
            *(with_skeleton(person.image, person.keypoints) for person in persons),
            with_skeleton(with_mask(persons[0].image // 2 + 127, region), wanted),
        ],
    )
    _hint(model, upper, lower)

    # Only now what takes seconds to import: a wrong file is told at once.
    from dnaf.apply.mix import mix

    painter = _painter(model, base, inputs.size, low_memory)
    _write_result(out, mix(painter, *persons, wanted, inside), scale, painter)


def interpolate(
    style: Style,
    first: Pose,
    last: Pose,
    out: Annotated[
        Path, typer.Option(help="Where to write: .png, all images in a row, .gif and .mp4 are added")
    ],
    frames: Annotated[int, typer.Option(min=2, max=600, help="Number of images")] = 12,
    style_pose: StylePose = None,
    also: Also = None,
    also_pose: AlsoPose = None,
    pose_size: PoseSize = None,
    model: Model = _MODEL,
    base: Base = None,
    fit: FitTo = "pad",
    fit_pose: FitPose = False,
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Preview = None,
) -> None:
    """Draw a person on the way from one pose to another."""
    from dnaf.apply.sheet import enlarged, sheet, with_skeleton
    from dnaf.apply.trunk import fitted
    from dnaf.core.progress import note

    inputs = _inputs(fit, detector, size)
    person = _person(inputs, style, style_pose, also, also_pose)
    ends = [inputs.pose(name, pose_size) for name in (first, last)]
    if fit_pose:
        ends = [fitted(each, person.keypoints) for each in ends]
    given = [with_skeleton(each.image, each.keypoints) for each in (person, *person.others)]
    _write_preview(preview, [*given, *(with_skeleton(person.image, each) for each in ends)])
    _hint(model, style, *(also or []))

    # Only now what takes seconds to import: a wrong file is told at once.
    from dnaf.apply.animation import find_ffmpeg, to_gif, to_mp4
    from dnaf.apply.interpolate import sequence

    painter = _painter(model, base, inputs.size, low_memory)
    images = sequence(painter, person, ends[0], ends[1], frames, _batch_size(low_memory))
    enlarged_images = [enlarged(image) for image in images]
    row = _png(sheet([enlarged_images]), scale=1, origin=painter.origin)
    _write_bytes(out.with_name(out.name + ".png"), row)
    _write_bytes(out.with_name(out.name + ".gif"), to_gif(enlarged_images))
    video, ffmpeg = out.with_name(out.name + ".mp4"), find_ffmpeg()
    if ffmpeg is None:
        note(f"{video}: not written, for there is no ffmpeg. Install it, or the extra `video`.")
    else:
        _write_bytes(video, to_mp4(enlarged_images, ffmpeg))


def batch(
    table: Annotated[
        Path, typer.Argument(help="A CSV file: person,pose,out and perhaps person_pose,pose_size")
    ],
    model: Model = _MODEL,
    base: Base = None,
    scale: Scale = 1,
    fit: FitTo = "pad",
    fit_pose: FitPose = False,
    detector: Detector = None,
    size: SizeOf = None,
    low_memory: LowMemory = False,
    preview: Annotated[
        Path | None,
        typer.Option(help=f"Where to write a sheet, a PNG, of the first {_SHEET_ROWS}: person, pose, result"),
    ] = None,
) -> None:
    """Draw many persons in other poses; what is there already stays, so that a killed run goes on."""
    from dnaf.apply.batch import check, paint, read_orders
    from dnaf.apply.sheet import enlarged, sheet, with_skeleton
    from dnaf.core import files
    from dnaf.core.progress import note

    inputs, orders = _inputs(fit, detector, size), read_orders(table)
    missing = [order for order in orders if not order.out.exists()]
    if len(missing) < len(orders):
        there = f"{len(orders) - len(missing):,} of {len(orders):,}"
        note(f"{there} images are there and stay: remove one to make it again")
    checked = check(missing, inputs, fit_pose)
    _hint(model, *dict.fromkeys(order.person for order in missing))
    rows: list[list[Pixels]] = []
    if checked:
        painter = _painter(model, base, inputs.size, low_memory)
        for each, person, image in paint(painter, checked, inputs, _batch_size(low_memory)):
            files.write_atomic(each.order.out, _png(image, scale, painter.origin))
            if len(rows) < _SHEET_ROWS:
                rows.append(
                    [enlarged(person.image), with_skeleton(person.image, each.wanted), enlarged(image)]
                )
    if preview is not None and rows:
        _write(preview, sheet(rows))
    print(f"{len(checked):,} images → {checked[0].order.out}, …" if checked else "0 images: all are there")


def _inputs(fit: "Fit", detector: str | None, size: str | None) -> "InputReader":
    from dnaf.apply.input_reader import InputReader
    from dnaf.data.detectors.load import load_detector

    return InputReader(_frame(size), fit, None if detector is None else load_detector(detector))


def _person(
    inputs: "InputReader",
    style: str,
    style_pose: Path | None,
    also: list[str] | None,
    also_pose: list[Path] | None,
) -> "Person":
    """The person of --style, with what --also shows of it."""
    others = also or []
    poses: list[Path | None] = [*(also_pose or [])]
    if poses and len(poses) != len(others):
        raise ConfigError(
            f"--also-pose: not one for each --also (found {len(poses)} for {len(others)}). Give the pose of "
            "each, or of none."
        )
    of_others = zip(others, poses or [None] * len(others), strict=True)
    return replace(inputs.person(style, style_pose), others=tuple(inputs.person(*each) for each in of_others))


def _frame(size: str | None) -> "Size":
    """(height, width) of the results: that of the training, or the one that --size names, which is told."""
    from dnaf.core import config
    from dnaf.core.progress import note

    trained = config.load_size(config.load_chosen_dataset())
    if size is None:
        return trained
    match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size)
    wanted = (int(match[1]), int(match[2])) if match else (0, 0)
    if any(
        side % _STEP or not each <= 2 * side <= 4 * each for side, each in zip(wanted, trained, strict=True)
    ):
        raise ConfigError(
            f"--size: not one for this model (found {size}, expected HEIGHTxWIDTH in multiples of {_STEP}, "
            f"from half to twice the sides of the training, {trained[0]}x{trained[1]}). Choose one in "
            "between, or train at that size."
        )
    if wanted != trained:
        note(
            f"{wanted[0]}x{wanted[1]} pixels: the model was trained at {trained[0]}x{trained[1]} and has "
            "seen no other size. Expect less of it."
        )
    return wanted


def _region(
    inputs: "InputReader", mask: Path | None, labels: "LabelSetName | None", region: "Region", over: str
) -> "Mask | None":
    """What --mask shows of a garment or person; None without one."""
    if mask is None and labels is not None:
        raise ConfigError("--labels: of no image. Name the human parser's label image as --mask.")
    if mask is None or labels is None:
        return None if mask is None else inputs.mask(mask, over)
    return inputs.region(mask, labels, region, over)


def _softened(mask: "Mask", width: int) -> "Weights":
    from dnaf.apply.masks.mask import soften

    return soften(mask, width)


def _painter(model: Path, base: Path | None, size: "Size", low_memory: bool) -> "Painter":
    from dnaf.core import config

    render, generate, seed = config.load(config.Render), config.load(config.Generate), config.load_seed()

    # Only now what takes seconds to import: a wrong input is told at once.
    from dnaf.apply.painter import Painter
    from dnaf.core.device import default_device

    return Painter(model, size, render, generate, seed, default_device(), low_memory, base)


def _batch_size(low_memory: bool) -> int:
    from dnaf.core import config

    return 1 if low_memory else config.load(config.Generate).batch_size


def _hint(model: Path, *images: str) -> None:
    """Says what the model does not know, where a file is no image of its data set."""
    from dnaf.apply.input_reader import is_file
    from dnaf.apply.limits import limits
    from dnaf.core import config
    from dnaf.core.progress import note

    known = limits(model, config.load_chosen_dataset())
    files = [image for image in images if is_file(image)]
    if known and files:
        note(f"{', '.join(files)}: not an image of the data set that {model} was trained on. {known}")


def _write_result(out: Path, image: "Pixels", scale: int, painter: "Painter") -> None:
    height, width = image.shape[:2]
    _write_bytes(out, _png(image, scale, painter.origin))
    if scale * height < _SMALL:
        print(f"{height}x{width} pixels, as the model makes them: --scale {_SMALL // height} enlarges them")


def _png(image: "Pixels", scale: int, origin: "Mapping[str, str] | None" = None) -> bytes:
    """A PNG in which each pixel is a square of `scale` pixels, and which tells of its origin."""
    from dnaf.core import images

    return images.encode_png(image.repeat(scale, axis=0).repeat(scale, axis=1), text=origin)


def _write_preview(out: Path | None, images: "list[Pixels]") -> None:
    if out is not None:
        from dnaf.apply.sheet import sheet

        _write(out, sheet([images]))


def _write(out: Path, image: "Pixels") -> None:
    _write_bytes(out, _png(image, scale=1))


def _write_bytes(out: Path, data: bytes) -> None:
    from dnaf.core import files

    files.write_atomic(out, data)
    print(out)


COMMANDS = (pose, artwork, try_on, mix, interpolate, batch)

if __name__ == "__main__":
    _command.spare(*_command.UNUSED_BY_DIFFUSION, *_command.UNUSED_BY_INFERENCE)
    _command.run(*COMMANDS)
