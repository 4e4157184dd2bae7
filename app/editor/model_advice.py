"""What each model would bring on this machine, and which one to take first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.machine import may_have_gpu, whole_memory
from core.models.catalogue import MODELS
from core.models.model import ModelEntry, Parameters
from core.vivid.memory import choose_plan, MemoryPlan
from core.vivid.presets import needs_of_parameters, presets, USABLE

_BRINGS = {
    "embedded": "Quick on any machine. Its outlines are coarser than those of SAM 2.1.",
    "tiny": "Finer outlines than the one that ships; the quickest SAM 2.1.",
    "small": "Finer outlines than the one that ships: the first help when masks fail.",
    "base-plus": "Finer outlines still, and slower; better with a GPU.",
    "large": "The finest outlines. Slow without a GPU.",
    "edgetam": "A small network for machines on which SAM 2.1 is too slow.",
    "sam3": "Finds every thing that words name, with its outline. Slow without a GPU.",
    "vivid-small": "Paints simple things that it knows by name, on any machine.",
    "grounding-dino": "Finds things by words; SAM 3 does it by itself.",
}
_HOW = {
    "all": "all of it stays there",
    "parts": "its parts take turns",
    "layers": "it comes layer after layer, which is slower",
}


@dataclass(frozen=True)
class Machine:
    """Bytes of main memory, and of the GPU's own: None without a GPU, and `shared` where it works
    in the main memory.
    """

    memory: int
    gpu: int | None = None
    shared: bool = False

    def __str__(self) -> str:
        if self.gpu is None:
            return f"no GPU, {_gb(self.memory)} of memory"
        return f"a GPU of {_gb(self.gpu)}{' (the main memory)' if self.shared else ''}, {_gb(self.memory)} of memory"


@dataclass(frozen=True)
class Advice:
    """What a model would bring; whether it `fits` this machine, and is the one to take `first` of
    its kind.
    """

    brings: str
    fits: bool
    first: bool = False


def this_machine(device: str) -> Machine:
    """The machine as the models see it.

    Args:
        device: As the program was started: auto, cpu, cuda, cuda:N or mps.
    """
    memory = whole_memory()
    if device == "cpu" or not may_have_gpu():
        return Machine(memory)
    from core.models.device import gpu_memory

    found = gpu_memory(device)
    return Machine(memory) if found is None else Machine(memory, *found)


def advice_for(machine: Machine) -> dict[str, Advice]:
    """The advice for each model of the catalogue, by name."""
    plans = {model.name: _plan(model.parameters, machine) for model in MODELS.values() if model.parameters is not None}
    firsts = {_first_segmenter(machine), _first_engine("video", plans), _first_engine("image", plans)}
    return {model.name: _advice(model, machine, plans.get(model.name), model.name in firsts) for model in MODELS.values()}


def without_engine(machine: Machine, advice: dict[str, Advice]) -> str:
    """What to say where no full-size engine for video that runs here fits; else empty."""
    engines = list(_engines("video"))
    if not engines or any(advice[model.name].fits for model in engines):
        return ""
    least = min(min(presets(model.parameters), default=0) for model in engines if model.parameters is not None)
    return f"No full-size video engine fits this machine ({machine}): the smallest needs a GPU with {least} GB."


def _advice(model: ModelEntry, machine: Machine, plan: MemoryPlan | None, first: bool) -> Advice:
    sizes = model.parameters
    if model.kind == "lora":
        of, draft = next((one.name, one.draft) for one in MODELS.values() if one.draft is not None and one.draft.source == model.name)
        return Advice(f"With it, {of} takes {draft.steps} steps: --preset draft, or Preset on the page.", True)
    if sizes is None or model.name in _BRINGS:
        return Advice(_BRINGS.get(model.name, ""), True, first)
    task = "Removes things, by no caption. " if model.removes_only else ""
    if plan is not None and plan.fits:
        how = f"Fits this GPU of {_gb(machine.gpu or 0)}: {_HOW[plan.mode]}, up to {_gb(plan.need)} (computed)."
        if sizes.weights < machine.memory:
            return Advice(task + how, True, first)
        return Advice(f"{task}Needs {_gb(sizes.weights)} of main memory for its weights; this machine has {_gb(machine.memory)}.", False)
    cards = presets(sizes)
    needs = f"Needs a GPU with {min(cards)} GB or more" if cards else "Needs a larger GPU than any that has a preset"
    return Advice(f"{task}{needs}; this machine has {'none' if machine.gpu is None else _gb(machine.gpu)}.", False)


def _plan(sizes: Parameters, machine: Machine) -> MemoryPlan | None:
    if machine.gpu is None:
        return None
    return choose_plan("auto", needs_of_parameters(sizes), int(machine.gpu * USABLE), machine.shared)


def _first_segmenter(machine: Machine) -> str:
    if machine.gpu is None:
        return "small"
    return "large" if machine.gpu >= 8e9 else "base-plus"


def _first_engine(kind: str, plans: dict[str, MemoryPlan | None]) -> str | None:
    """For video the largest one that need not come layer after layer; for pictures the first of
    the list that need not; under a licence without limits where there is one. Else the smallest
    that fits.
    """
    fitting = [model for model in _engines(kind) if (plan := plans[model.name]) is not None and plan.fits]
    quick = [model for model in fitting if (plan := plans[model.name]) is not None and plan.mode != "layers"]
    quick = [model for model in quick if not model.terms.limits] or quick
    if quick:
        return quick[0].name if kind == "image" else max(quick, key=_size).name
    return min(fitting, key=_size).name if fitting else None


def _engines(kind: str) -> Iterable[ModelEntry]:
    return (one for one in MODELS.values() if one.kind == kind and one.runs and one.parameters is not None and not one.removes_only)


def _size(model: ModelEntry) -> float:
    return model.parameters.denoiser if model.parameters is not None else 0


def _gb(count: int) -> str:
    """Memory as people and their bills count it."""
    whole = count / 2**30
    return f"{whole:.0f} GB" if whole >= 10 else f"{whole:.1f} GB"
