"""The runs of the small recipes, which train whole modules, on CUDA in captured graphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn, Tensor

from core.errors import InputError
from core.training.common.optimizer import Optimizer, OptimizerSettings
from core.training.common.run import TrainingRun
from core.training.small.config import SmallRecipeConfig


def begin_run(config: SmallRecipeConfig, recipe: str, modules: Mapping[str, nn.Module]) -> TrainingRun:
    """Begin a run that trains all parameters of the modules.

    Args:
        config: the recipe's settings.
        recipe: its name.
        modules: by name, on the device of the configuration.

    Returns:
        The run, at step 0.

    Raises:
        InputError: the settings don't say how long to train.
    """
    if not config.steps and not config.minutes:
        raise InputError("say how long to train: steps=N or minutes=M")
    parameters = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.named_parameters()}
    settings = OptimizerSettings(
        config.learning_rate, (0.9, 0.98), 0.01, config.clip_norm, config.ema, captured=torch.device(config.device).type == "cuda"
    )
    optimizer = Optimizer(parameters, settings)
    return TrainingRun(config, recipe, optimizer, modules, minutes=config.minutes, checkpoint_seconds=config.checkpoint_seconds)


_BYTES_IN_CHECKPOINT = 64 << 20


def fits_in_checkpoint(tensors: Iterable[Tensor]) -> bool:
    """Whether buffered data is small enough for a checkpoint.

    A resumed run then repeats exactly; larger buffers are filled anew.
    """
    return sum(value.numel() * value.element_size() for value in tensors) <= _BYTES_IN_CHECKPOINT


def use_fast_kernels() -> None:
    """Let CUDA choose convolutions by timing them, and multiply in TF32."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


def freeze(modules: Iterable[nn.Module]) -> None:
    """Put modules into evaluation mode, without gradients."""
    for module in modules:
        module.eval().requires_grad_(False)
