"""A device that this machine does not have and that has no float64, as Apple's GPUs have none.

Tensors on it are tensors of the CPU in a wrapper that claims to be elsewhere: what runs on them runs, what
makes a float64 of them raises, and what was brought back by `.cpu()` is an ordinary tensor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")  # the one device that every build of torch knows and that is not the CPU


class _Elsewhere(torch.Tensor):
    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "_Elsewhere":
        if inner.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"the device has no {inner.dtype}")
        made: _Elsewhere = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), inner.stride(), inner.storage_offset(), dtype=inner.dtype, device=DEVICE
        )
        made.inner = inner
        return made

    def __repr__(self) -> str:
        return f"elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _TensorsFromValues(TorchFunctionMode):
    """`torch.tensor` makes its tensor below the dispatcher, where the other mode does not see it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.tensor and torch.device(kwargs.get("device") or "cpu") == DEVICE:
            return func(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        return func(*args, **kwargs)


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    wrapped: dict[int, _Elsewhere] = {}
    plain: dict[int, torch.Tensor] = {}

    def unwrap(value: Any) -> Any:
        if isinstance(value, _Elsewhere):
            wrapped[id(value.inner)] = value
            return value.inner
        if isinstance(value, torch.Tensor):
            plain[id(value)] = value
        return value

    args, kwargs = tree_map(unwrap, args), tree_map(unwrap, kwargs)
    asked = kwargs.get("device")
    is_elsewhere = bool(wrapped) if asked is None else torch.device(asked) == DEVICE
    if asked is not None and is_elsewhere:
        kwargs["device"] = torch.device("cpu")
    result = func(*args, **kwargs)

    def wrap(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in wrapped or id(value) in plain:  # changed in place
            return wrapped.get(id(value), value)
        return _Elsewhere(value) if is_elsewhere else value

    return tree_map(wrap, result)


@contextmanager
def other_device() -> Iterator[torch.device]:
    """Gives the device; only within the block there is one."""
    with torch.no_grad(), _Mode(), _TensorsFromValues():
        yield DEVICE


def moved(module: torch.nn.Module) -> torch.nn.Module:
    """A module whose weights and buffers are on the device, in place."""
    for component in module.modules():
        for name, parameter in component._parameters.items():
            if parameter is not None:
                there = torch.nn.Parameter(_Elsewhere(parameter.detach()), requires_grad=False)
                component._parameters[name] = there
        for name, buffer in component._buffers.items():
            if buffer is not None:
                component._buffers[name] = _Elsewhere(buffer)
    return module
