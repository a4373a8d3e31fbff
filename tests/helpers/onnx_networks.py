"""Networks of a few numbers in the form of others' ONNX files, of which one can say what they find."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="onnx, with which the test writes a network, is not installed")

# Where SFace wants eyes, nose and corners of the mouth, in its 112x112 pixels: alignCrop of OpenCV.
_ALIGNED = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_YUNET = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_STRIDES = (8, 16, 32)


def write_yunet(path: Path) -> Path:
    """Sees a face in each cell of 16x16 or 32x32 pixels whose mean level, of 0 to 1, is high enough."""
    from onnx import TensorProto, helper, numpy_helper

    # In cells, sizes as logarithms.
    offsets = {"bbox": np.array([0.5, 0.5, 0, 0]), "kps": (_ALIGNED / 112).ravel()}
    nodes, constants, outputs = [], [], []

    def constant(name: str, values: NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(values, name))
        return name

    for name, channels in _YUNET.items():
        for stride in _STRIDES:
            key = f"{name}_{stride}"
            mean = 0 if name in offsets or stride == _STRIDES[0] else 1 / (3 * 255 * stride**2)
            kernel = constant(f"kernel_{key}", np.full((channels, 3, stride, stride), mean, np.float32))
            bias = constant(f"bias_{key}", offsets.get(name, np.zeros(channels)).astype(np.float32))
            shape = constant(f"shape_{key}", np.array([1, -1, channels], np.int64))
            nodes += [
                helper.make_node("Conv", ["input", kernel, bias], [f"map_{key}"], strides=[stride, stride]),
                helper.make_node("Transpose", [f"map_{key}"], [f"last_{key}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"last_{key}", shape], [key]),
            ]
            outputs.append(helper.make_tensor_value_info(key, TensorProto.FLOAT, [1, None, channels]))
    seen = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, None, None])
    return _save(path, helper.make_graph(nodes, "yunet", [seen], outputs, constants))


def write_sface(path: Path) -> Path:
    """Of a face it sees the mean colour: (R, G, B) minus 127.5."""
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.zeros((3, 3, 112, 112), np.float32)
    kernel[range(3), range(3)] = 1 / 112**2
    constants = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.full(3, -127.5, np.float32), "bias"),
        numpy_helper.from_array(np.array([1, 3], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("Conv", ["data", "kernel", "bias"], ["colour"]),
        helper.make_node("Reshape", ["colour", "shape"], ["fc1"]),
    ]
    seen = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    output = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 3])
    return _save(path, helper.make_graph(nodes, "sface", [seen], [output], constants))


def face_vector(colour: Sequence[int]) -> NDArray[np.float64]:
    """What `write_sface` makes of a face of one colour, as a unit vector."""
    vector = np.array(colour) - 127.5
    return vector / np.linalg.norm(vector)


def _save(path: Path, graph: object) -> Path:
    from onnx import helper

    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path
