"""Weights that visit a device: they come from the host's memory when they are called, and leave
again.

The host keeps every weight, so leaving copies nothing.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from accelerate.hooks import add_hook_to_module, ModelHook
from accelerate.utils import send_to_device
from torch import nn

from core.errors import DeviceMemoryError, StudioError
from core.vivid.memory import next_mode, parts_to_evict


@contextlib.contextmanager
def full_device_told(device: torch.device, told: Callable[[], StudioError]) -> Iterator[None]:
    """Turn the library's error about a full device into the one that `told` makes."""
    short = False
    try:
        yield
    except torch.OutOfMemoryError:
        short = True
    except RuntimeError as error:
        if device.type != "mps" or "out of memory" not in str(error):  # which has no class of its own for it
            raise
        short = True
    if short:  # only here, where the error and with it what its frames hold are gone
        release_unused(device)
        raise told()


@contextlib.contextmanager
def memory_errors(mode: str, device: torch.device) -> Iterator[None]:
    """Turn the library's error about a full device into a DeviceMemoryError, for a model that was
    placed in `mode`.
    """
    with full_device_told(device, lambda: DeviceMemoryError(str(device), mode, next_mode(mode, str(device)))):
        yield


class Residents:
    """The parts of a pipeline that visit a device. Whoever is called comes; of the others those
    leave that it finds no room beside.
    """

    def __init__(self, device: torch.device, budget: int) -> None:
        """`budget`: bytes that weights and work may hold together."""
        self.device, self.budget = device, budget
        self._parts: dict[str, Part] = {}
        self._work: dict[str, int] = {}
        self._here: list[str] = []

    @property
    def here(self) -> tuple[str, ...]:
        """The parts on the device, the longest there first."""
        return tuple(self._here)

    @property
    def held(self) -> int:
        """Bytes of weights on the device."""
        return sum(self._parts[name].size for name in self._here)

    def add(self, name: str, module: nn.Module, work: int) -> None:
        """Let `module` come whenever its forward is called (of an autoencoder encode and decode
        too); it needs `work` bytes on top.

        Args:
            name: What the part is called.
            module: Its weights.
            work: Bytes that it needs besides them.
        """
        self._parts[name], self._work[name] = Part(module, self.device), work
        add_hook_to_module(module, _PartHook(self, name))

    def come(self, name: str) -> None:
        """Bring a part to the device."""
        part = self._parts[name]
        self.make_room(part.size + self._work[name], name)
        if name in self._here:
            return
        try:
            part.come()
        except torch.OutOfMemoryError:  # another program took what was free; alone the part may find room all the same
            for other in self.here:
                self.leave(other)
            part.come()
        self._here.append(name)

    def make_room(self, size: int, beside: str | None = None) -> None:
        """Send back those that leave no room for `size` bytes, the longest there first.

        Args:
            size: Bytes that something is about to take.
            beside: A part that stays, since it is what takes them.
        """
        others = {other: self._parts[other].size for other in self._here if other != beside}
        for other in parts_to_evict(others, size, self.budget):
            self.leave(other)

    def leave(self, name: str) -> None:
        """Send a part back; nothing when it is not there."""
        if name in self._here:
            self._here.remove(name)
            self._parts[name].leave()
            release_unused(self.device)


class Part:
    """Weights that lie in the host's memory and can be seen on a device.

    Whoever uses them may change their precision at any time, here or there (a pipeline of SDXL lets
    its autoencoder work in single precision): they come and leave in the one they have then.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self.module, self.device = module, device
        self.kept = {name: tensor.data.cpu() for name, tensor in _tensors(module)}

    @property
    def size(self) -> int:
        """Bytes, in the precision that they have now."""
        return weight_bytes(self.module)

    def come(self) -> None:
        """All of it, or nothing when the device is full."""
        try:
            with torch.inference_mode(False):
                for name, tensor in _tensors(self.module):
                    tensor.data = self.kept[name].to(self.device, non_blocking=True).to(tensor.dtype)
        except torch.OutOfMemoryError:
            self.leave()
            raise

    def leave(self) -> None:
        with torch.inference_mode(False):
            for name, tensor in _tensors(self.module):
                tensor.data = self.kept[name].to(tensor.dtype)


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All weights of a module by their names, tied ones once. Asked anew each time: a change of
    precision puts another tensor in the place of a buffer.
    """
    yield from module.named_parameters()
    yield from module.named_buffers()


class _PartHook(ModelHook):
    def __init__(self, residents: Residents, name: str) -> None:
        self._residents, self._name = residents, name
        self.execution_device = residents.device
        """By which diffusers knows where the pipeline works."""

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self._residents.come(self._name)
        return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)


class LayerHook(ModelHook):
    """For one layer: there while it works."""

    def __init__(self, layer: nn.Module, device: torch.device) -> None:
        self._part = Part(layer, device)
        self.execution_device = device

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        self._part.come()
        return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        self._part.leave()
        return output


def weight_bytes(module: nn.Module) -> int:
    """Bytes of all weights of a module, tied ones once."""
    return sum(tensor.nbytes for _, tensor in _tensors(module))


def release_unused(device: torch.device) -> None:
    """Let other programs have what the allocator holds unused, and ours find it in one piece."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
