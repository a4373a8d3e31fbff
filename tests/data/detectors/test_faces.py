"""OpenCV's own code for YuNet and SFace, with networks of which one can say what they find."""

from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import BaseModelError
from dnaf.data.detectors.faces import Faces
from tests.helpers.onnx_networks import face_vector, write_sface, write_yunet

YELLOW, PINK = (255, 255, 60), (255, 60, 255)


@pytest.fixture
def faces(tmp_path: Path) -> Faces:
    return Faces(write_yunet(tmp_path / "yunet.onnx"), write_sface(tmp_path / "sface.onnx"))


@pytest.mark.parametrize("size", [(64, 96), (80, 70)])
def test_a_face_is_a_vector_of_length_1_wherever_it_is(faces: Faces, size: tuple[int, int]) -> None:
    for top, left in ((0, 0), (32, 32)):
        image = np.zeros((*size, 3), np.uint8)
        image[top : top + 32, left : left + 32] = YELLOW
        found = faces(image)
        assert found is not None
        assert np.linalg.norm(found) == pytest.approx(1)
        assert found @ face_vector(YELLOW) > 0.999  # the alignment mixes in what is beyond the border


def test_of_several_faces_it_is_the_largest(faces: Faces) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:16, :16] = YELLOW
    image[32:, 64:] = PINK
    found = faces(image)
    assert found is not None
    assert found @ face_vector(PINK) == pytest.approx(1, abs=0.01)


def test_where_nobody_is_there_is_no_vector(faces: Faces) -> None:
    assert faces(np.full((64, 48, 3), 90, np.uint8)) is None


def test_what_is_no_such_network_is_one_sentence(tmp_path: Path) -> None:
    yunet, sface = write_yunet(tmp_path / "yunet.onnx"), write_sface(tmp_path / "sface.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    for detector, recogniser, sentence in (
        (tmp_path / "absent.onnx", sface, "absent.onnx: no such file"),
        (text, sface, "text.onnx: not a YuNet model"),
        (sface, sface, "sface.onnx: not a YuNet model"),
        (yunet, tmp_path, "no such file"),
        (yunet, text, "text.onnx: not an SFace model"),
        (yunet, yunet, "yunet.onnx: not an SFace model"),
    ):
        with pytest.raises(BaseModelError, match=sentence) as error:
            Faces(detector, recogniser)
        assert len(str(error.value).splitlines()) == 1
