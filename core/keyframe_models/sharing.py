"""Which models lie on a GPU: of two that don't fit beside each other, the one at work does."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch

from core.keyframe_models.pipeline_model import PipelineModel
from core.vivid.contract import VideoEngine
from core.vivid.memory import MARGIN
from core.vivid.residents import release_unused


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
    def room(self) -> int:
        """Bytes that a model finds when all others have left."""
        return self._free() + sum(tenant.held() for tenant in self._tenants.values())

    def enter(self, name: str, tenant: Tenant) -> None:
        """Let a model work; of the others, those that worked longest ago leave until it fits."""
        self._tenants[name] = tenant
        self._tenants.move_to_end(name)
        here = [other for other in self._tenants.values() if other is not tenant and other.held()]
        room = self.room
        while here and tenant.need + sum(other.need for other in here) + MARGIN > room:
            here.pop(0).leave()
        tenant.come()

    def clear(self) -> None:
        """Let all leave, before a model is loaded that looks how much is free."""
        for tenant in self._tenants.values():
            tenant.leave()


def tenant_of(model: PipelineModel | VideoEngine) -> Tenant:
    """How a model leaves its device and comes back."""
    if isinstance(model, VideoEngine):
        return _video_tenant(model)
    places = model.places
    if places is None:
        return Tenant(0, lambda: 0, lambda: None, lambda: None)
    return Tenant(places.plan.need, lambda: places.held, lambda: None, places.leave)  # its parts come when they are called


def _video_tenant(model: VideoEngine) -> Tenant:
    pipeline, device = model.pipeline, model.device

    def held() -> int:
        modules = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        return sum(tensor.nbytes for part in modules for tensor in part.parameters() if tensor.device == device)

    def come() -> None:
        if model.memory.mode == "all":
            pipeline.to(device)

    def leave() -> None:
        if pipeline.residents is not None:
            for name in pipeline.residents.here:
                pipeline.residents.leave(name)
        elif model.memory.mode == "all":
            if pipeline.graphs is not None:
                pipeline.graphs.forget()  # they know where the weights lay
            pipeline.to("cpu")
            release_unused(device)

    return Tenant(model.memory.need, held, come, leave)
