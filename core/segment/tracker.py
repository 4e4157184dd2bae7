"""One object through time: what SAM 2 remembers of it, and its answer on the next frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional

from core.masks.bounding_box import Mask
from core.segment.backend import Output, predicted_quality, Tracker
from core.segment.clicks import clicks_of, correct, keep_inside
from core.segment.frames import encode, Features
from core.segment.outline import full_size
from core.segment.pieces import drop_far_pieces
from core.segment.precision import half_on_gpu
from core.segment.prompts import FramePrompts, SURE


class Sam2Backend:
    """A SAM 2 of the sam2 package's classes.

    `passes` is Sam2Config.prompt_passes; with `snap_to_edges` outlines snap to edges of the picture
    (core.segment.outline): for a small network, whose logits are too coarse for the clip.
    """

    def __init__(self, network: SAM2Base, passes: int, snap_to_edges: bool) -> None:
        self.network, self.passes, self.snap_to_edges = network, passes, snap_to_edges
        self.device = network.device

    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """Run the image encoder on a uint8 (H, W, 3) RGB frame."""
        return encode(self.network, frame)

    def mask(self, logits: Tensor, features: Features) -> Mask:
        """As `Backend.mask`."""
        return full_size(logits[0, 0], features.guide, self.snap_to_edges)

    def tracker(self, size: tuple[int, int], frames: int) -> ObjectTracker:
        """A tracker for a clip of (W, H) = `size` with so many frames."""
        return ObjectTracker(self.network, size, frames, self.passes)

    def together(self, trackers: Sequence[Tracker], frame: int, features: Features, reverse: bool) -> list[Output] | None:
        """As `Backend.together`."""
        return step_together([one for one in trackers if isinstance(one, ObjectTracker)], frame, features, reverse)

    def answer_start(self, features: Features, start: FramePrompts, size: tuple[int, int]) -> Tensor:
        """Logits (1, 1, h, w) for FramePrompts.starting_point.

        Args:
            features: What the image encoder says about the frame.
            start: One prompt: a mask, a box or a click.
            size: The source's (W, H).
        """
        if start.mask is not None:
            return mask_as_given(self.network, start.mask)
        logits: Tensor = answer_start(self.network, features, start, size, self.passes)["pred_masks"]
        return logits

    @torch.inference_mode()
    def answer(
        self, features: Features, prompts: FramePrompts, size: tuple[int, int], start: Callable[[FramePrompts], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Logits (1, 1, h, w) of what one frame's prompts begin with, and of all of them together.

        Args:
            features: What the image encoder says about the frame.
            prompts: One object's prompts on it.
            size: The source's (W, H).
            start: `answer_start` for this frame, which remembers earlier answers.
        """
        if not self.passes:
            after = resolve_prompts(self.network, features, prompts, size, 0)["pred_masks"]
            return (after if prompts.mask is None else mask_as_given(self.network, prompts.mask)), after
        begun = start(prompts.starting_point())
        return begun, _clicked(self.network, features, begun, prompts, size)


class ObjectTracker:
    """Tracks one object from its prompted frames in one direction.

    Of the frames that it merely tracked it keeps those that the network can still look back at, so
    its memory doesn't grow with the clip. A small network (one with `passes`) looks back at frames
    on which it saw the object.
    """

    def __init__(self, network: SAM2Base, size: tuple[int, int], frames: int, passes: int) -> None:
        """`size` is the source's (W, H), `frames` its frame count, `passes` as in
        Sam2Config.prompt_passes.
        """
        self.network, self.size, self.frames, self.passes = network, size, frames, passes
        self.conditioning: dict[int, Output] = {}
        self.recent: dict[int, Output] = {}
        self._left_out = 0  # tracked frames that are not remembered
        self._left_out_before: dict[int, int] = {}  # how many there were at each recent frame
        stride = network.memory_temporal_stride_for_eval
        self.reach = max(network.num_maskmem * stride, network.max_obj_ptrs_in_encoder)

    @torch.inference_mode()
    def prompt(self, frame: int, features: Features, prompts: FramePrompts) -> Output:
        """As `Tracker.prompt` of core.segment.backend."""
        output = resolve_prompts(self.network, features, prompts, self.size, self.passes)
        self.conditioning[frame] = output
        return output

    @torch.inference_mode()
    def step(self, frame: int, features: Features, prompts: FramePrompts | None = None, reverse: bool = False) -> Output:
        """As `Tracker.step` of core.segment.backend."""
        output = self._step(frame, features, reverse)
        if prompts is not None:
            output = self._correct(frame, features, prompts, output, reverse)
            self.conditioning[frame] = output
        self._keep(frame, output)
        return output

    def _keep(self, frame: int, output: Output) -> None:
        """Remember the answer of a frame that was tracked, and forget what lies too far from it."""
        hidden = False
        if frame in self.conditioning:
            pass  # a person said where the object is
        elif self.passes and float(output["object_score_logits"]) <= 0:
            # it looks back at a few frames: those that hide the object would soon be all it knows
            hidden = True
        else:
            self.recent[frame] = output
            self._left_out_before[frame] = self._left_out
        self._forget(frame)
        self._left_out += hidden  # now, for it lies between no frame before it and itself

    def _memory(self, frame: int, reverse: bool) -> dict[str, dict[int, Output]]:
        """What the network looks back at from a frame.

        The prompted frame that was passed last comes first, since a small network reads the first
        one finest, and of what was tracked before it nothing counts: a correction holds from there
        on.
        """
        way = -1 if reverse else 1
        passed = max((index * way for index in self.conditioning if index * way < frame * way), default=None)
        prompted, recent = self.conditioning, self.recent
        if passed is not None:
            prompted = {passed * way: prompted[passed * way], **prompted}
            recent = {index: output for index, output in recent.items() if index * way > passed}
        moved = {self._moved(index, frame): output for index, output in recent.items()}
        return {"cond_frame_outputs": prompted, "non_cond_frame_outputs": moved}

    def _forget(self, frame: int) -> None:
        """Let go of what the network can't look back at from a frame."""
        for old in [index for index in self.recent if abs(self._moved(index, frame) - frame) > self.reach]:
            del self.recent[old], self._left_out_before[old]

    def _moved(self, index: int, frame: int) -> int:
        """Where a remembered frame stands for the network as it looks back from another: nearer by
        those in between that were left out.
        """
        between = self._left_out - self._left_out_before[index]
        return index + between if index < frame else index - between

    def _correct(self, frame: int, features: Features, prompts: FramePrompts, tracked: Output, reverse: bool) -> Output:
        points = prompts.point_inputs(self.network.image_size, self.size, self.network.device)
        if prompts.mask is not None and points is None:
            return self._step(frame, features, reverse, mask_inputs=_square_mask(self.network, prompts))
        if self.passes:
            logits = correct(self.network, features, tracked["pred_masks"], clicks_of(prompts, self.size))
            return _remember_as_mask(self.network, features, logits, tracked["obj_ptr"])
        before = tracked["pred_masks"] if prompts.mask is None else _mask_logits(self.network, prompts)
        return self._step(frame, features, reverse, point_inputs=points, prev_sam_mask_logits=before.clamp(-32, 32))

    def _step(self, frame: int, features: Features, reverse: bool, **inputs: Any) -> Output:
        memory = self._memory(frame, reverse)
        output = _run(self.network, frame, features, memory, self.frames, reverse, remember=False, **inputs)
        if self.passes:
            output["pred_masks"] = drop_far_pieces(output["pred_masks"])
        return _remembered(self.network, features, output, "point_inputs" in inputs)


@torch.inference_mode()
def step_together(trackers: Sequence[ObjectTracker], frame: int, features: Features, reverse: bool) -> list[Output] | None:
    """Answer a frame for several objects, of which nothing is said there, in one pass.

    Args:
        trackers: Those of the objects, of one network.
        frame: The frame of the clip.
        features: What the image encoder says about it.
        reverse: Whether the tracking runs backwards in time.

    Returns:
        Their answers; None where they can't go together: a small network, and objects that look
        back at different frames.
    """
    first, count = trackers[0], len(trackers)
    memories = [tracker._memory(frame, reverse) for tracker in trackers]
    if first.passes or any(list(own[kind]) != list(memories[0][kind]) for own in memories for kind in own):
        return None
    memory = {kind: {index: _joined([own[kind][index] for own in memories]) for index in memories[0][kind]} for kind in memories[0]}
    wide = replace(
        features,
        levels=[level.expand(-1, count, -1) for level in features.levels],
        positions=[position.expand(-1, count, -1) for position in features.positions],
    )
    answer = _run(first.network, frame, wide, memory, first.frames, reverse, remember=False)
    answer = _remembered(first.network, wide, answer, False)
    answers = [_of_one(answer, number) for number in range(count)]
    for tracker, own in zip(trackers, answers, strict=True):
        tracker._keep(frame, own)
    return answers


def _joined(outputs: Sequence[Output]) -> Output:
    """Answers for single objects as one for all of them: tensors one after the other."""
    names = ("maskmem_features", "obj_ptr")
    joined: Output = {name: torch.cat([output[name] for output in outputs]) for name in names}
    joined["maskmem_pos_enc"] = [torch.cat(parts) for parts in zip(*(output["maskmem_pos_enc"] for output in outputs), strict=True)]
    return joined


def _of_one(answer: Output, number: int) -> Output:
    """The part of an answer for several objects that is one of them's."""
    own: Output = {name: part[number : number + 1] for name, part in answer.items() if isinstance(part, Tensor)}
    own["maskmem_pos_enc"] = [part[number : number + 1] for part in answer["maskmem_pos_enc"]]
    own["quality"] = predicted_quality(own["expected"].amax(), own["object_score_logits"])
    return own


@torch.inference_mode()
def resolve_prompts(network: SAM2Base, features: Features, prompts: FramePrompts, size: tuple[int, int], passes: int) -> Output:
    """Answer a frame from its prompts alone, with the memory of it.

    A mask by itself is taken as it is given. Without `passes` everything is handed to the network
    at once, as SAM 2 was trained; with them see core.segment.clicks, and the outcome is remembered
    like a given mask.

    Args:
        network: The segmenter's network.
        features: What the image encoder says about the frame.
        prompts: One object's prompts on it.
        size: The source's (W, H).
        passes: As in Sam2Config.prompt_passes.

    Returns:
        What SAM2Base.track_step returns, as far as it is needed.
    """
    points = prompts.point_inputs(network.image_size, size, network.device)
    if points is None:
        return _first(network, features, mask_inputs=_square_mask(network, prompts))
    if passes == 0:
        before = None if prompts.mask is None else _mask_logits(network, prompts)
        return _first(network, features, point_inputs=points, prev_sam_mask_logits=before)
    output = answer_start(network, features, prompts.starting_point(), size, passes)
    logits = _clicked(network, features, output["pred_masks"], prompts, size)
    return _remember_as_mask(network, features, logits, output["obj_ptr"])


def _clicked(network: SAM2Base, features: Features, begun: Tensor, prompts: FramePrompts, size: tuple[int, int]) -> Tensor:
    """What an answer comes to with all clicks of the frame. Where there is nothing but clicks, what
    lies far from all that was clicked is most likely another thing.
    """
    clicks = clicks_of(prompts, size)
    logits = correct(network, features, begun, clicks)
    if prompts.mask is not None or prompts.starting_point().outlines_object:
        return logits
    return drop_far_pieces(logits, [(click.x, click.y) for click in clicks if click.positive])


@torch.inference_mode()
def answer_start(network: SAM2Base, features: Features, start: FramePrompts, size: tuple[int, int], passes: int) -> Output:
    """Answer FramePrompts.starting_point, shown again with the memory of its own answer.

    Args:
        network: The segmenter's network.
        features: What the image encoder says about the frame.
        start: One prompt: a mask, a box or a click.
        size: The source's (W, H).
        passes: How often it is shown again. No memory is made of the last answer.

    Returns:
        What SAM2Base.track_step returns, as far as it is needed.
    """
    if start.mask is not None:
        return _first(network, features, mask_inputs=_square_mask(network, start), remember=False)
    points = start.point_inputs(network.image_size, size, network.device)
    output = _first(network, features, point_inputs=points, remember=passes > 0)
    for again in range(passes):
        memory = {"cond_frame_outputs": {0: output}, "non_cond_frame_outputs": {}}
        output = _run(network, 1, features, memory, 2, False, remember=again < passes - 1)
    if start.outlines_object:
        output["pred_masks"] = keep_inside(output["pred_masks"], (start.points[0], start.points[1]), size)
    return output


@torch.inference_mode()
def mask_as_given(network: SAM2Base, mask: Mask) -> Tensor:
    """The logits (1, 1, h, w) that `answer_start` answers to a mask with, bool (H, W), without
    asking the network.
    """
    sure = _square_mask(network, FramePrompts((), (), mask)) * (2 * SURE) - SURE
    side = network.image_size // 4
    return functional.interpolate(sure, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def _remember_as_mask(network: SAM2Base, features: Features, logits: Tensor, pointer: Tensor) -> Output:
    """Remember logits (1, 1, h, w) like a given mask; they stay smooth for the full size.

    The pointer to the object is the one that the network found by itself: it leads it better than
    the one it makes of a mask.
    """
    square = functional.interpolate(logits, size=(network.image_size, network.image_size), mode="bilinear", align_corners=False)
    given = _first(network, features, mask_inputs=(square > 0).float())
    return {**given, "pred_masks": logits, "obj_ptr": pointer}


def _remembered(network: SAM2Base, features: Features, output: Output, from_points: bool) -> Output:
    """An output of a step that made no memory, with the memory of its mask."""
    square = functional.interpolate(
        output["pred_masks"], size=(network.image_size, network.image_size), mode="bilinear", align_corners=False
    )
    with half_on_gpu(network.device):
        kept, positions = network._encode_new_memory(features.levels, features.sizes, square, output["object_score_logits"], from_points)
    return {**output, "maskmem_features": kept, "maskmem_pos_enc": positions}


def _first(network: SAM2Base, features: Features, **inputs: Any) -> Output:
    memory: dict[str, dict[int, Output]] = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    return _run(network, 0, features, memory, 1, False, first=True, **inputs)


def _run(
    network: SAM2Base,
    frame: int,
    features: Features,
    memory: dict[str, dict[int, Output]],
    frames: int,
    reverse: bool,
    *,
    first: bool = False,
    remember: bool = True,
    **inputs: Any,
) -> Output:
    """One step of the network; `inputs` are point_inputs, mask_inputs and prev_sam_mask_logits, as
    far as they are given.
    """
    # SAM2Base.track_step by its two parts, since it keeps the overlap that it expects to itself
    with half_on_gpu(network.device):
        _, answers, _, _ = network._track_step(
            frame_idx=frame,
            is_init_cond_frame=first,
            current_vision_feats=features.levels,
            current_vision_pos_embeds=features.positions,
            feat_sizes=features.sizes,
            output_dict=memory,
            num_frames=frames,
            track_in_reverse=reverse,
            **{"point_inputs": None, "mask_inputs": None, "prev_sam_mask_logits": None, **inputs},
        )
        _, _, expected, masks, square, pointer, score = answers
        output: Output = {"pred_masks": masks.float(), "obj_ptr": pointer, "object_score_logits": score, "expected": expected.float()}
        points = inputs.get("point_inputs")
        network._encode_memory_in_output(features.levels, features.sizes, points, remember, square, score, output)
    if len(score) == 1:
        output["quality"] = predicted_quality(output["expected"].amax(), score.float())
    return output


def _square_mask(network: SAM2Base, prompts: FramePrompts) -> Tensor:
    """The mask prompt on the network's square, 0 or 1, (1, 1, side, side)."""
    assert prompts.mask is not None
    side = network.image_size
    mask = torch.from_numpy(prompts.mask)[None, None].float().to(network.device)
    return (functional.interpolate(mask, size=(side, side), mode="bilinear", antialias=True, align_corners=False) >= 0.5).float()


def _mask_logits(network: SAM2Base, prompts: FramePrompts) -> Tensor:
    """The mask prompt as logits at the decoder's size, (1, 1, side/4, side/4)."""
    quarter = functional.interpolate(_square_mask(network, prompts), scale_factor=0.25, mode="area")
    return (quarter * 2 - 1) * SURE
