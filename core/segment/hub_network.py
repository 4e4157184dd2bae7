"""Video models of transformers behind the contract of core.segment.backend: SAM 2.1, EdgeTAM, and
what tracks objects in SAM 3.

Their own sessions hold every frame of the clip and every answer. Here each tracker has a session of
its own that never sees a frame, is handed the features of the current one, and forgets all answers
that the network can't look back at.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn, Tensor
from torch.nn import functional

from core.masks.bounding_box import Mask
from core.segment.backend import Output, predicted_quality, Tracker
from core.segment.frames import Features, square_picture, Triple
from core.segment.outline import full_size
from core.segment.prompts import FramePrompts, SURE


class HubBackend:
    """A tracking network of transformers on its device.

    `features` makes feature maps of a picture (1, 3, S, S), finest first as (h*w, 1, C), and as
    many positions; `session` is the class of the network's inference sessions.
    """

    def __init__(
        self,
        network: Any,
        session: type,
        features: Callable[[Tensor], tuple[list[Tensor], list[Tensor]]],
        mean: Triple,
        std: Triple,
    ) -> None:
        """`mean` and `std` are those of the pictures, 0 to 1, that the network has learnt from."""
        self.network, self.session, self._features = network, session, features
        self._mean, self._std = mean, std
        self.device: torch.device = next(network.parameters()).device
        self.side = int(network.image_size)
        config = network.config
        self.reach = max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder))
        """Frames that the network can look back at."""
        self._heard = threading.local()
        network.mask_decoder.register_forward_hook(self._hear)
        takes = inspect.signature(network._run_single_frame_inference).parameters
        # EdgeTAM makes the memory of a frame at once, the others when they are asked
        self._remembers = {"run_mem_encoder": True} if "run_mem_encoder" in takes else {}

    def _hear(self, _module: nn.Module, _inputs: object, output: Any) -> None:
        """Keep the overlaps that the decoder expects, which the network keeps to itself."""
        self._heard.expected = output[1]

    def picture(self, frame: NDArray[np.uint8]) -> Tensor:
        """A uint8 (H, W, 3) RGB frame as the network sees it: (1, 3, S, S)."""
        return square_picture(frame, self.side, self._mean, self._std).to(self.device)

    @torch.inference_mode()
    def encode(self, frame: NDArray[np.uint8]) -> Features:
        """Run the image encoder on a uint8 (H, W, 3) RGB frame, squeezed to the network's
        square.
        """
        levels, positions = self._features(self.picture(frame))
        sizes = [(int(level.shape[0] ** 0.5),) * 2 for level in levels]
        return Features(levels, positions, sizes, frame)

    def mask(self, logits: Tensor, features: Features) -> Mask:
        """As `Backend.mask`."""
        return full_size(logits[0, 0], features.guide, snap_to_edges=False)

    def tracker(self, size: tuple[int, int], frames: int) -> HubTracker:
        """A tracker for a clip of (W, H) = `size`; it may have any number of `frames`."""
        return HubTracker(self, size)

    def together(self, trackers: Sequence[Tracker], frame: int, features: Features, reverse: bool) -> None:
        """Nothing: a session of transformers tracks one object here.

        Args:
            trackers: Those of the objects.
            frame: The frame of the clip.
            features: What the image encoder says about it.
            reverse: Whether the tracking runs backwards in time.
        """

    def answer_start(self, features: Features, start: FramePrompts, size: tuple[int, int]) -> Tensor:
        """Logits (1, 1, h, w) for FramePrompts.starting_point.

        Args:
            features: What the image encoder says about the frame.
            start: One prompt: a mask, a box or a click.
            size: The source's (W, H).
        """
        logits: Tensor = self.tracker(size, 1).prompt(0, features, start)["pred_masks"]
        return logits

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
        begin = prompts.starting_point()
        after = start(begin) if prompts.points == begin.points else self.answer_start(features, prompts, size)
        return (after if prompts.mask is None else start(begin)), after

    @torch.inference_mode()
    def run(self, session: Any, frame: int, features: Features, first: bool, reverse: bool, **inputs: Any) -> Output:
        """Answer a frame.

        Args:
            session: An inference session with one object, whose memory is in it.
            frame: The frame of the clip.
            features: What the image encoder says about it.
            first: Whether its prompts alone count.
            reverse: Whether the tracking runs backwards in time.
            inputs: `point_inputs`, `mask_inputs` and `prev_sam_mask_logits`, as far as given.

        Returns:
            The answer with the memory of it.
        """
        session.cache.clear_all()
        session.cache.cache_vision_features(frame, {"vision_feats": features.levels, "vision_pos_embeds": features.positions})
        given = {"point_inputs": None, "mask_inputs": None, **inputs}
        found = self.network._run_single_frame_inference(
            inference_session=session,
            frame_idx=frame,
            obj_idx=0,
            batch_size=1,
            is_init_cond_frame=first,
            reverse=reverse,
            streaming=True,  # without it the number of frames is asked of a session that has none
            **given,
            **self._remembers,
        )
        score = found["object_score_logits"]
        if not self._remembers:
            found["maskmem_features"], found["maskmem_pos_enc"] = self.network._encode_new_memory(
                current_vision_feats=features.levels[-1],
                pred_masks_high_res=found.pop("high_res_masks"),
                object_score_logits=score,
                is_mask_from_pts=given["point_inputs"] is not None or given["mask_inputs"] is not None,
            )
        return {**found, "pred_masks": found["pred_masks"].float(), "quality": predicted_quality(self._heard.expected.amax(), score)}


class HubTracker:
    """Tracks one object from its prompted frames in one direction, with flat memory."""

    def __init__(self, backend: HubBackend, size: tuple[int, int]) -> None:
        """`size` is the source's (W, H)."""
        self._backend, self._size = backend, size
        self.conditioning: dict[int, Output] = {}
        self.recent: dict[int, Output] = {}

    def prompt(self, frame: int, features: Features, prompts: FramePrompts) -> Output:
        """As `Tracker.prompt` of core.segment.backend."""
        output = self._run(frame, features, self._inputs(prompts, None), first=True, reverse=False)
        self.conditioning[frame] = output
        return output

    def step(self, frame: int, features: Features, prompts: FramePrompts | None = None, reverse: bool = False) -> Output:
        """As `Tracker.step` of core.segment.backend."""
        output = self._run(frame, features, {}, first=False, reverse=reverse)
        if prompts is None:
            self.recent[frame] = output
        else:
            inputs = self._inputs(prompts, output["pred_masks"])
            output = self.conditioning[frame] = self._run(frame, features, inputs, first=False, reverse=reverse)
        for old in [index for index in self.recent if abs(index - frame) > self._backend.reach]:
            del self.recent[old]
        return output

    def _run(self, frame: int, features: Features, inputs: dict[str, Any], first: bool, reverse: bool) -> Output:
        network = self._backend.network
        session = self._backend.session(
            video_height=self._size[1], video_width=self._size[0], inference_device=self._backend.device, dtype=network.dtype
        )
        session.obj_id_to_idx(1)
        session.output_dict_per_obj[0] = self._memory(frame, reverse)
        return self._backend.run(session, frame, features, first, reverse, **inputs)

    def _memory(self, frame: int, reverse: bool) -> dict[str, dict[int, Output]]:
        """What the network looks back at from a frame: of what was tracked, nothing from before the
        prompted frame that was passed last, since a correction holds from there on.
        """
        way = -1 if reverse else 1
        passed = max((index * way for index in self.conditioning if index * way < frame * way), default=None)
        recent = {index: output for index, output in self.recent.items() if passed is None or index * way > passed}
        return {"cond_frame_outputs": self.conditioning, "non_cond_frame_outputs": recent}

    def _inputs(self, prompts: FramePrompts, before: Tensor | None) -> dict[str, Any]:
        """The prompts as the network takes them; clicks correct the mask that is given, or else
        the answer `before` them.
        """
        side, device = self._backend.side, self._backend.device
        mask = None
        if prompts.mask is not None:
            whole = torch.from_numpy(prompts.mask)[None, None].float().to(device)
            mask = functional.interpolate(whole, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
        points = prompts.point_inputs(side, self._size, device)
        if points is None:
            assert mask is not None
            return {"mask_inputs": (mask >= 0.5).float()}
        inputs: dict[str, Any] = {"point_inputs": {name: values[:, None] for name, values in points.items()}}
        if mask is not None:
            quarter = functional.interpolate(mask, scale_factor=0.25, mode="area")
            inputs["prev_sam_mask_logits"] = (quarter * 2 - 1) * SURE
        elif before is not None:
            inputs["prev_sam_mask_logits"] = before.clamp(-32, 32)
        return inputs
