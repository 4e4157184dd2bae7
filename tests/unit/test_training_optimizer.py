"""What moves the weights: the schedule, float32 copies, clipping, the running average, and
continuing all of it.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from core.training.common.errors import TrainingError
from core.training.common.optimizer import learning_rate_factor, Optimizer, OptimizerSettings


def test_the_rate_rises_then_falls_along_a_cosine() -> None:
    rates = [learning_rate_factor(step, 100, step / 1000) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01, rel=1e-3)
    assert rates[500] == pytest.approx(0.01 + 0.99 / 2)
    assert rates[1000] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * 0.099)))


def an_optimizer(dtype: torch.dtype, rate: float, **changes: float) -> tuple[nn.Parameter, Optimizer]:
    parameter = nn.Parameter(torch.ones(4, dtype=dtype))
    given = {"betas": (0.9, 0.95), "weight_decay": 0.0, "clip_norm": 1.0, "ema": 0.0} | changes
    return parameter, Optimizer({"w": parameter}, OptimizerSettings(rate, **given))


def test_small_steps_are_not_lost_in_half_precision() -> None:
    parameter, moving = an_optimizer(torch.bfloat16, 1e-4)
    for number in range(100):
        parameter.grad = torch.ones_like(parameter)
        moving.step(number)
    # Each step of 1e-4 is below bfloat16's grain there (0.0039): only the single-precision copy
    # adds them up.
    assert float(moving.copies["w"].detach()[0]) == pytest.approx(0.99, abs=1e-4)
    assert parameter.tolist() == [0.98828125] * 4


def test_adam_as_pytorch_has_it_with_clipping() -> None:
    parameter, moving = an_optimizer(torch.float32, 0.01, weight_decay=0.1)
    other = nn.Parameter(torch.ones(4))
    adam = torch.optim.AdamW([other], lr=0.01, betas=(0.9, 0.95), weight_decay=0.1)
    for number in range(5):
        gradient = torch.tensor([3.0, -4.0, 0.0, number])
        parameter.grad, other.grad = gradient.clone(), gradient / max(1.0, float(gradient.norm()))
        assert moving.step(number) == pytest.approx(float(gradient.norm()))
        adam.step()
    torch.testing.assert_close(parameter, other, atol=1e-6, rtol=1e-4)


def test_a_gradient_that_is_no_number_stops_before_it_does_harm() -> None:
    parameter, moving = an_optimizer(torch.bfloat16, 0.1)
    parameter.grad = torch.tensor([1.0, math.nan, 1.0, 1.0], dtype=torch.bfloat16)
    with pytest.raises(TrainingError, match=r"not a number at step 17; .* resume=true and a lower learning_rate"):
        moving.step(17)
    assert parameter.tolist() == [1.0] * 4


def test_the_average_trails_and_is_lent_out() -> None:
    parameter, moving = an_optimizer(torch.float32, 0.1, ema=0.5)
    parameter.grad = torch.ones(4)
    moving.step(1)
    now = float(parameter.detach()[0])
    assert float(moving.average["w"][0]) == pytest.approx((1 + now) / 2), "from the first step on"
    with moving.averaged():
        assert float(parameter.detach()[0]) == pytest.approx((1 + now) / 2)
    assert float(parameter.detach()[0]) == now


def test_a_resumed_schedule_goes_on_where_it_was_with_the_rate_that_is_given_now() -> None:
    def rates(moving: Optimizer, parameter: nn.Parameter, first: int, last: int) -> list[float]:
        found = []
        for number in range(first, last):
            found.append(moving.rate)
            parameter.grad = torch.ones(4)
            moving.step(number)
            moving.advance_schedule()
        return found

    def factor(step: int) -> float:
        return learning_rate_factor(step, 3, step / 8)

    parameter, moving = an_optimizer(torch.float32, 0.1)
    moving.schedule(factor)
    before = rates(moving, parameter, 0, 5)
    assert before == [0.1 * factor(step) for step in range(5)]
    state = moving.state()
    for peak in (0.1, 0.02):
        parameter, other = an_optimizer(torch.float32, peak)
        other.load(state)
        other.schedule(factor, 5)
        assert rates(other, parameter, 5, 8) == [peak * factor(step) for step in range(5, 8)]


def test_going_back_takes_weights_and_average_and_forgets_the_momentum() -> None:
    parameter, moving = an_optimizer(torch.bfloat16, 0.1, ema=0.5)
    parameter.grad = torch.ones(4, dtype=torch.bfloat16)
    moving.step(1)
    moving.restart_from([torch.full((4,), 3.0)])
    assert parameter.tolist() == moving.average["w"].tolist() == [3.0] * 4
    assert all(state["exp_avg"].abs().max() == 0 for state in moving.adam.state.values())
