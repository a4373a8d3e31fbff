"""Look for poses and faces in a method's images, and compare torsos: identity and pose, beside the protocols.

Reads: data/results/METHOD, data/pairs, data/images.zip, data/prepared.zip, and the files that are named

Writes: data/results/METHOD/detections.json

params.yaml: datasets, dataset, methods, method

Documentation: docs/protocols.md
"""

from pathlib import Path
from typing import Annotated

import typer

from stages import _command


def main(
    method: Annotated[
        str | None, typer.Argument(help="A folder of data/results; by default params.yaml's `method`")
    ] = None,
    dataset: _command.Dataset = None,
    pose: Annotated[
        str | None, typer.Option(help="What finds poses: `mediapipe`, or RTMPose's ONNX file")
    ] = None,
    face_detector: Annotated[Path | None, typer.Option(help="YuNet's ONNX file, which finds faces")] = None,
    face_recogniser: Annotated[
        Path | None, typer.Option(help="SFace's ONNX file, which compares them")
    ] = None,
) -> str:
    from dnaf.core import commands, config
    from dnaf.core.errors import ConfigError

    method, dataset = method or config.load_method(), dataset or config.load_chosen_dataset()
    methods, size, format_name = config.load_methods(), config.load_size(dataset), config.load_format(dataset)
    if (face_detector is None) != (face_recogniser is None):
        missing = "--face-detector" if face_detector is None else "--face-recogniser"
        raise ConfigError(f"{missing}: is missing (expected both files, or none). See docs/protocols.md.")

    # Only now what takes seconds to import: a wrong argument is told at once.
    from dnaf.core import files
    from dnaf.data.detectors.faces import Faces
    from dnaf.data.detectors.load import load_detector, provenance
    from dnaf.evaluate.detect import Detectors, detect
    from dnaf.evaluate.submissions.detections import key_of, write_detections
    from dnaf.evaluate.submissions.find import DETECTIONS
    from dnaf.evaluate.submissions.open import open_folder, read_data_set

    folder = Path("data/results") / method
    names, find_pose, faces = {}, None, None
    if pose is not None:
        find_pose = load_detector(pose)
        names["pose"] = provenance(pose)
    if face_detector is not None and face_recogniser is not None:
        faces = Faces(face_detector, face_recogniser)
        names["faces"] = f"{files.digest(face_detector)} {files.digest(face_recogniser)}"
    with _command.writing(folder / DETECTIONS):
        data = read_data_set(Path("data"), format_name, size)
        card, results = open_folder(folder, data)
        found = detect(results, data, Path("data/pairs"), Detectors(find_pose, faces, names))
        written = write_detections(folder, found, key_of(results, data))
    first = "" if method in methods else f"put {method} into `methods` of params.yaml, then "
    return (
        f"{card.title}: looked for {', '.join(['torsos', *names])} → {written}; "
        f"to see the numbers, {first}run `{commands.dvc('repro')}`"
    )


if __name__ == "__main__":
    _command.run(main)
