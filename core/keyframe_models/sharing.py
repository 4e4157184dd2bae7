"""Which models lie on a GPU: of two that don't fit beside each other, the one at work does."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from accelerate.hooks import add_hook_to_module, ModelHook

from core.keyframe_models.pipeline_model import PipelineModel
from core.vivid.contract import VideoEngine
from core.vivid.memory import MARGIN
from core.vivid.residents import Part, release_unused


@dataclass(frozen=True)
class Tenant:
    """A model that can leave a device and come back. `need` is the most bytes that it holds at
    work, `held` says how many bytes of weights it has there now.
    """

    need: int
    held: Callable[[], int]
    come: Callable[[], None]
    leave: Callable[[], None]


class SharedDevice:
    """A device that several models work on in turn. `free` says how many bytes are free on it."""

    def __init__(self, free: Callable[[], int]) -> None:
        self._free = free
        self._tenants: OrderedDict[str, Tenant] = OrderedDict()

    @property
    def held(self) -> dict[str, int]:
        """Bytes of weights that each model has there now, by name."""
        return {name: tenant.held() for name, tenant in self._tenants.items()}

    @property
    def room(self) -> int:
        """Bytes that a model finds when all others have left."""
        return self._free() + sum(self.held.values())

    def enter(self, name: str, model: PipelineModel | VideoEngine) -> None:
        """Let a model work; of the others, those that worked longest ago leave until it fits."""
        if name not in self._tenants:
            self._tenants[name] = tenant_of(model)
        self._tenants.move_to_end(name)
        tenant = self._tenants[name]
        here = [other for other in self._tenants.values() if other is not tenant and other.held()]
        room = self.room
        while here and tenant.need + sum(other.need for other in here) + MARGIN > room:
            here.pop(0).leave()
        tenant.come()

    def forget(self, name: str) -> None:
        """A model is gone for good."""
        self._tenants.pop(name, None)

    def clear(self) -> None:
        """Let all leave, before a model is loaded that looks how much is free."""
        for tenant in self._tenants.values():
            tenant.leave()


def tenant_of(model: PipelineModel | VideoEngine) -> Tenant:
    """How a model that has just been placed leaves its device and comes back."""
    if isinstance(model, VideoEngine):
        return _video_tenant(model)
    places = model.places
    if places is None:
        return Tenant(0, lambda: 0, lambda: None, lambda: None)
    return Tenant(places.plan.need, lambda: places.held, lambda: None, model.leave)  # its parts come when they are called


def _video_tenant(model: VideoEngine) -> Tenant:
    pipeline, need = model.pipeline, model.memory.need
    if pipeline.residents is not None:
        residents = pipeline.residents

        def leave() -> None:
            for name in residents.here:
                residents.leave(name)

        return Tenant(need, lambda: residents.held, lambda: None, leave)
    if model.memory.mode != "all":  # only layers at work are there
        return Tenant(need, lambda: 0, lambda: None, lambda: None)
    whole = _Whole(model)
    return Tenant(need, whole.held, whole.come, whole.leave)


class _Whole:
    """A video model all of which lies on its device."""

    def __init__(self, model: VideoEngine) -> None:
        self._pipeline, self._device = model.pipeline, model.device
        self._modules = [part for part in model.pipeline.components.values() if isinstance(part, torch.nn.Module)]
        self._parts: list[Part] = []
        self._away = False

    def held(self) -> int:
        """Bytes of weights on the device."""
        return 0 if self._away else sum(tensor.nbytes for module in self._modules for tensor in module.parameters())

    def leave(self) -> None:
        """To the host's memory, where the weights have a place from the first time on."""
        if self._away:
            return
        if self._pipeline.graphs is not None:
            self._pipeline.graphs.forget()  # they know where the weights lay
        if not self._parts:
            self._parts = [Part(module, self._device) for module in self._modules]
            for module in self._modules:
                add_hook_to_module(module, _WorksOn(self._device))
        for part in self._parts:
            part.leave()
        self._away = True
        release_unused(self._device)

    def come(self) -> None:
        """Back to the device."""
        for part in self._parts if self._away else ():
            part.come()
        self._away = False


class _WorksOn(ModelHook):
    """By which diffusers knows where a pipeline works while its weights are away."""

    def __init__(self, device: torch.device) -> None:
        self.execution_device = device
