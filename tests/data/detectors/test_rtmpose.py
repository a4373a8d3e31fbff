"""A random network of RTMPose's form; needs the extra `photos` and onnx."""

from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import BaseModelError, DataError
from dnaf.data.detectors.rtmpose import load_rtmpose

pytest.importorskip("rtmlib", reason="the extra `photos` is not installed")
onnx = pytest.importorskip("onnx", reason="onnx, with which the test writes a network, is not installed")

HEIGHT, WIDTH, SPLIT = 256, 192, 2


def write_network(path: Path, score: float, num_joints: int = 17) -> Path:
    """Finds joint j at (4 j, 8 j) pixels of its input, whatever it sees, all with one score."""
    from onnx import TensorProto, helper, numpy_helper

    outputs = {"simcc_x": (WIDTH * SPLIT, 4), "simcc_y": (HEIGHT * SPLIT, 8)}
    nodes, constants, infos = [], [], []
    for name, (length, stride) in outputs.items():
        table = np.zeros((1, num_joints, length), np.float32)
        table[0, np.arange(num_joints), np.arange(num_joints) * stride * SPLIT] = score
        constants.append(numpy_helper.from_array(table, f"{name}_table"))
        nodes.append(helper.make_node("Add", ["nothing", f"{name}_table"], [name]))
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, num_joints, length]))
    constants.append(numpy_helper.from_array(np.zeros((), np.float32), "zero"))
    first = [
        helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    seen = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    graph = helper.make_graph(first + nodes, "rtmpose", [seen], infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_joints_are_found_in_pixels_of_the_photograph(tmp_path: Path) -> None:
    detect = load_rtmpose(write_network(tmp_path / "pose.onnx", score=0.9))
    points = detect(np.zeros((512, 384, 3), np.uint8), "photo.jpg")
    # RTMPose looks at 1.25 times the photograph, centred: 640x480 pixels of it in 256x192.
    coco = np.arange(17)[:, None] * np.array([4.0, 8.0]) * 2.5 - np.array([48.0, 64.0])
    assert points[0] == pytest.approx(coco[0])  # nose
    assert points[1] == pytest.approx((coco[5] + coco[6]) / 2)  # neck
    assert points[10] == pytest.approx(coco[16])  # right ankle


def test_joints_that_are_not_sure_are_no_person(tmp_path: Path) -> None:
    detect = load_rtmpose(write_network(tmp_path / "pose.onnx", score=0.1))
    with pytest.raises(DataError, match=r"photo\.jpg: no person found \(found 0 of 17 joints\)"):
        detect(np.zeros((64, 48, 3), np.uint8), "photo.jpg")


def test_another_set_of_joints_is_refused(tmp_path: Path) -> None:
    detect = load_rtmpose(write_network(tmp_path / "pose.onnx", score=0.9, num_joints=26))
    with pytest.raises(BaseModelError, match="expected 17 joints of COCO"):
        detect(np.zeros((64, 48, 3), np.uint8), "photo.jpg")


def test_what_is_no_network_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "pose.onnx"
    with pytest.raises(BaseModelError, match="no such file"):
        load_rtmpose(path)
    path.write_bytes(b"no network")
    with pytest.raises(BaseModelError, match="not an RTMPose model"):
        load_rtmpose(path)
