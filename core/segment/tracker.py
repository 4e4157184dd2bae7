"""One object through time: what SAM 2 remembers of it, and its answer on the next frame."""

from __future__ import annotations

from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor
from torch.nn import functional

from core.masks.bounding_box import Mask
from core.segment.clicks import clicks_of, correct, keep_inside, SURE
from core.segment.frames import Features
from core.segment.prompts import FramePrompts

Output = dict[str, Any]
"""What SAM2Base.track_step returns for a frame: `pred_masks` are logits (1, 1, h, w), the rest is
its memory of the frame.
"""


class ObjectTracker:
    """Follows one object from its prompted frames in one direction.

    Of the frames that it merely tracked it keeps those that the network can still look back at, so
    its memory doesn't grow with the clip.
    """

    def __init__(self, network: SAM2Base, size: tuple[int, int], frames: int, passes: int) -> None:
        """`size` is the source's (W, H), `frames` its frame count, `passes` as in
        Sam2Config.prompt_passes.
        """
        self.network, self.size, self.frames, self.passes = network, size, frames, passes
        self.conditioning: dict[int, Output] = {}
        self.recent: dict[int, Output] = {}
        stride = network.memory_temporal_stride_for_eval
        self.reach = max(network.num_maskmem * stride, network.max_obj_ptrs_in_encoder)

    @torch.inference_mode()
    def prompt(self, frame: int, features: Features, prompts: FramePrompts) -> Tensor:
        """Logits (h, w) on a frame from its prompts alone; remembered as what a person said."""
        output = settle(self.network, features, prompts, self.size, self.passes)
        self.conditioning[frame] = output
        return output["pred_masks"][0, 0]

    @torch.inference_mode()
    def step(self, frame: int, features: Features, prompts: FramePrompts | None = None, reverse: bool = False) -> Tensor:
        """Logits (h, w) on a frame next to those already seen; prompts there correct what was
        tracked and are remembered.
        """
        output = self._step(frame, features, reverse)
        if prompts is not None:
            output = self._correct(frame, features, prompts, output, reverse)
            self.conditioning[frame] = output
        else:
            self.recent[frame] = output
        for old in [index for index in self.recent if abs(index - frame) > self.reach]:
            del self.recent[old]
        return output["pred_masks"][0, 0]

    def _correct(self, frame: int, features: Features, prompts: FramePrompts, tracked: Output, reverse: bool) -> Output:
        points = prompts.point_inputs(self.network.image_size, self.size, self.network.device)
        if prompts.mask is not None and points is None:
            return self._step(frame, features, reverse, mask_inputs=_square_mask(self.network, prompts))
        if self.passes:
            logits = correct(self.network, features, tracked["pred_masks"], clicks_of(prompts, self.size))
            return _believe(self.network, features, logits, tracked["obj_ptr"])
        before = tracked["pred_masks"] if prompts.mask is None else _mask_logits(self.network, prompts)
        return self._step(frame, features, reverse, point_inputs=points, prev_sam_mask_logits=before.clamp(-32, 32))

    def _step(self, frame: int, features: Features, reverse: bool, **inputs: Any) -> Output:
        memory = {"cond_frame_outputs": self.conditioning, "non_cond_frame_outputs": self.recent}
        return _run(self.network, frame, features, memory, self.frames, reverse, **inputs)


@torch.inference_mode()
def settle(network: SAM2Base, features: Features, prompts: FramePrompts, size: tuple[int, int], passes: int) -> Output:
    """The answer on a frame from its prompts alone, with the memory of it.

    A mask by itself is taken at its word. Without `passes` everything is handed to the network at
    once, as SAM 2 was trained; with them see core.segment.clicks, and the outcome is remembered
    like a given mask.
    """
    points = prompts.point_inputs(network.image_size, size, network.device)
    if points is None:
        return _first(network, features, mask_inputs=_square_mask(network, prompts))
    if passes == 0:
        before = None if prompts.mask is None else _mask_logits(network, prompts)
        return _first(network, features, point_inputs=points, prev_sam_mask_logits=before)
    output = begin(network, features, prompts.starting_point(), size, passes)
    logits = correct(network, features, output["pred_masks"], clicks_of(prompts, size))
    return _believe(network, features, logits, output["obj_ptr"])


@torch.inference_mode()
def begin(network: SAM2Base, features: Features, start: FramePrompts, size: tuple[int, int], passes: int) -> Output:
    """The answer to FramePrompts.starting_point, shown again `passes` times with the memory of
    itself. No memory is made of the last.
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
def taken_at_its_word(network: SAM2Base, mask: Mask) -> Tensor:
    """The logits (1, 1, h, w) that `begin` answers to a mask with, bool (H, W), without asking the
    network.
    """
    sure = _square_mask(network, FramePrompts((), (), mask)) * (2 * SURE) - SURE
    side = network.image_size // 4
    return functional.interpolate(sure, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def _believe(network: SAM2Base, features: Features, logits: Tensor, pointer: Tensor) -> Output:
    """Remember logits (1, 1, h, w) like a given mask; they stay smooth for the full size.

    The pointer to the object is the one that the network found by itself: it leads it better than
    the one it makes of a mask.
    """
    square = functional.interpolate(logits, size=(network.image_size, network.image_size), mode="bilinear", align_corners=False)
    given = _first(network, features, mask_inputs=(square > 0).float())
    return {**given, "pred_masks": logits, "obj_ptr": pointer}


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
    point_inputs: dict[str, Tensor] | None = None,
    mask_inputs: Tensor | None = None,
    prev_sam_mask_logits: Tensor | None = None,
) -> Output:
    output = network.track_step(
        frame_idx=frame,
        is_init_cond_frame=first,
        current_vision_feats=features.levels,
        current_vision_pos_embeds=features.positions,
        feat_sizes=features.sizes,
        point_inputs=point_inputs,
        mask_inputs=mask_inputs,
        output_dict=memory,
        num_frames=frames,
        track_in_reverse=reverse,
        run_mem_encoder=remember,
        prev_sam_mask_logits=prev_sam_mask_logits,
    )
    wanted = ("pred_masks", "obj_ptr", "maskmem_features", "maskmem_pos_enc", "object_score_logits")
    return {key: output[key] for key in wanted}


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
