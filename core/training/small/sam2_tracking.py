"""A batch of objects tracked through short clips by SAM 2's own parts, with the loss at every
answer.

The same mathematics as SAM2Base.track_step, for targets of different prompts at once and without
anything that a CUDA graph can't hold (tests/unit/test_training_sam2.py compares the two). The order
of events is that of the program: a prompted frame is answered, shown again with the memory of the
answer, corrected by a click, then tracked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from sam2.modeling.sam2_utils import get_1d_sine_pe
from torch import Tensor

from core.data import simulated_prompts
from core.segment.frames import MEAN, STD
from core.segment.network import STRIDE


def fit_to(network: SAM2Base, size: int) -> None:
    """Let a network take squares of `size` pixels, as if it had been built for them: only positions
    depend on it, no weight does."""
    cells = size // STRIDE
    network.image_size, network.sam_image_embedding_size = size, cells
    encoder = network.sam_prompt_encoder
    encoder.input_image_size, encoder.image_embedding_size, encoder.mask_input_size = (size, size), (cells, cells), (4 * cells, 4 * cells)
    for layer in network.memory_attention.layers:
        for attention in (layer.self_attn, layer.cross_attn_image):
            attention.freqs_cis = attention.compute_cis(end_x=cells, end_y=cells).to(network.device)


@dataclass(frozen=True)
class Answer:
    """What the mask decoder says of N targets: logits (N, K, h, w) and predicted IoU (N, K) of its
    K answers; the best one's logits small (N, 1, h, w) and at the picture's size (N, 1, S, S),
    object pointer (N, C) and object score (N, 1)."""

    logits: Tensor
    quality: Tensor
    small: Tensor
    large: Tensor
    pointer: Tensor
    score: Tensor

    def take(self, part: slice) -> Answer:
        """The answer for some of the targets."""
        return Answer(*(value[part] for value in vars(self).values()))


def join(answers: list[Answer]) -> Answer:
    """Answers for several groups of targets as one; only the best of several is kept."""
    fields = ("small", "large", "pointer", "score")
    small, large, pointer, score = (torch.cat([getattr(answer, name).float() for answer in answers]) for name in fields)
    return Answer(small, score, small, large, pointer, score)


@dataclass(frozen=True)
class Memory:
    """What is kept of a frame: features (N, M, h, w), their positions, and the object pointer (N,
    C)."""

    features: Tensor
    position: Tensor
    pointer: Tensor


@dataclass(frozen=True)
class Frame:
    """Features of a frame for N targets: the coarsest level (h*w, N, C), its position (h*w, 1, C),
    finer maps and the coarse size."""

    level: Tensor
    position: Tensor
    fine: list[Tensor]
    size: tuple[int, int]

    def take(self, part: slice) -> Frame:
        """For some of the targets."""
        return replace(self, level=self.level[:, part], fine=[value[part] for value in self.fine])

    def as_map(self, level: Tensor) -> Tensor:
        """(h*w, N, C) -> (N, C, h, w)."""
        return level.permute(1, 2, 0).unflatten(2, self.size)


class BatchTracker:
    """SAM 2's steps on batches."""

    def __init__(self, network: SAM2Base) -> None:
        self.network = network
        device = network.device
        self.mean, self.std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (MEAN, STD))
        self.corners = torch.tensor([[2, 3]], dtype=torch.int32, device=device)
        self.one = torch.ones(1, 1, dtype=torch.int32, device=device)

    def encode(self, pixels: Tensor, targets: int) -> list[Frame]:
        """Frames of clips (B, T, 3, S, S) in [0, 1], each repeated for `targets` targets: N =
        targets * B, a target's clips together."""
        batch, frames = pixels.shape[:2]
        pictures = (pixels.transpose(0, 1).flatten(0, 1).float() - self.mean) / self.std
        out = self.network.forward_image(pictures)
        _, levels, positions, sizes = self.network._prepare_backbone_features(out)
        levels = [level.unflatten(1, (frames, batch)) for level in levels]
        made = []
        for index in range(frames):
            own = [level[:, index].repeat(1, targets, 1) for level in levels]
            fine = [level.permute(1, 2, 0).unflatten(2, size) for level, size in zip(own[:-1], sizes[:-1], strict=True)]
            made.append(Frame(own[-1], positions[-1][:, :1], fine, sizes[-1]))
        return made

    def plain(self, frame: Frame) -> Tensor:
        """The map of a frame of which nothing is remembered."""
        return frame.as_map(frame.level + self.network.no_mem_embed)

    def decode(self, frame: Frame, features: Tensor, points: tuple[Tensor, Tensor] | None, before: Tensor | None, several: bool) -> Answer:
        """Answer from a map of features.

        Args:
            frame: Whose finer maps are used.
            features: (N, C, h, w).
            points: Coordinates (N, P, 2) in pixels and labels (N, P), or None.
            before: Logits of an answer before, or None.
            several: Whether several masks are proposed.

        Returns:
            The answer.
        """
        inputs = None if points is None else {"point_coords": points[0], "point_labels": points[1]}
        logits, _, quality, small, large, pointer, score = self.network._forward_sam_heads(features, inputs, before, frame.fine, several)
        return Answer(logits, quality, small, large, pointer, score)

    def given(self, frame: Frame, masks: Tensor) -> Answer:
        """Take masks float (N, 1, S, S) at their word."""
        logits, _, quality, small, large, pointer, score = self.network._use_mask_as_output(frame.as_map(frame.level), frame.fine, masks)
        return Answer(logits, quality, small, large, pointer, score)

    def remember(self, frame: Frame, answer: Answer) -> Memory:
        """The memory of a frame and its answer."""
        features, positions = self.network._encode_new_memory([frame.level], [frame.size], answer.large, answer.score, False)
        return Memory(features, positions[-1], answer.pointer)

    def recall(self, frame: Frame, prompted: Memory, recent: list[Memory], distance: Tensor, reach: int) -> Tensor:
        """Look at a frame in the light of what is remembered.

        Args:
            frame: The frame to track.
            prompted: Memory of the prompted frame.
            recent: Memories of the frames since, oldest first.
            distance: Frames from the prompted one to this, a scalar.
            reach: What the distances of object pointers are divided by.

        Returns:
            The map of features, (N, C, h, w).
        """
        network = self.network
        count, channels = frame.level.shape[1], network.hidden_dim
        memories = network.num_maskmem
        near = recent[-(memories - 1) :]
        entries = [(0, prompted), *((memories - len(near) + index, memory) for index, memory in enumerate(near))]
        kept, places = [], []
        for place, memory in entries:
            kept.append(memory.features.flatten(2).permute(2, 0, 1))
            position = memory.position.flatten(2).permute(2, 0, 1)
            places.append(position + network.maskmem_tpos_enc[memories - place - 1])
        pointers = [prompted.pointer, *(memory.pointer for memory in recent[::-1][: network.max_obj_ptrs_in_encoder - 1])]
        since = torch.arange(1, len(pointers), device=frame.level.device, dtype=torch.float32)
        since = torch.cat([distance.view(1).float(), since]) / reach
        time = network.obj_ptr_tpos_proj(get_1d_sine_pe(since, dim=channels))
        pieces = channels // network.mem_dim
        tokens = torch.stack(pointers).unflatten(2, (pieces, network.mem_dim)).permute(0, 2, 1, 3).flatten(0, 1)
        kept.append(tokens)
        places.append(time.unsqueeze(1).expand(-1, count, -1).repeat_interleave(pieces, 0))
        width = kept[0].dtype
        found = network.memory_attention(
            curr=[frame.level],
            curr_pos=[frame.position.expand(-1, count, -1)],
            memory=torch.cat([value.to(width) for value in kept]),
            memory_pos=torch.cat([value.to(width) for value in places]),
            num_obj_ptr_tokens=len(tokens),
        )
        return frame.as_map(found)


class FrameScorer:
    """Loss and J of answers against the truth of one frame: masks bool (N, S, S); `weight` (N,) 0
    where a target won't do."""

    def __init__(self, masks: Tensor, weight: Tensor) -> None:
        self.weight, self.present = weight, (masks.float().mean((1, 2)) > 2e-4).float()
        self.truth = F.avg_pool2d(masks[:, None].float(), 2)
        rim = F.max_pool2d(self.truth, 5, 1, 2) + F.max_pool2d(-self.truth, 5, 1, 2)
        self.care = 1 + 2 * rim.clamp(0, 1)

    def _enlarged(self, logits: Tensor) -> Tensor:
        return F.interpolate(logits.float().clamp(-30, 30), size=self.truth.shape[-2:], mode="bilinear", align_corners=False)

    def wrong(self, small: Tensor) -> tuple[Tensor, Tensor]:
        """The answer and the truth at half size, bool (N, S / 2, S / 2)."""
        return self._enlarged(small)[:, 0] > 0, self.truth[:, 0] > 0.5

    def iou(self, logits: Tensor) -> Tensor:
        """(N, K); 1 where both are empty."""
        said, true = self._enlarged(logits) > 0, self.truth > 0.5
        return ((said & true).sum((2, 3)) + 1e-3) / ((said | true).sum((2, 3)) + 1e-3)

    def loss(self, answer: Answer, part: slice) -> tuple[Tensor, Tensor]:
        """Mean loss of an answer for some targets, and the mean J of its best mask: focal and Dice
        loss on the best of several answers, error of the predicted J on all, and whether the object
        is there."""
        truth, care = self.truth[part], self.care[part]
        present, weight = self.present[part], self.weight[part]
        logits = self._enlarged(answer.logits)
        truths = truth.expand_as(logits)
        said = torch.sigmoid(logits)
        cross = F.binary_cross_entropy_with_logits(logits, truths, reduction="none")
        focal = (cross * care * (0.05 + (said - truths).square())).mean((2, 3))
        overlap = (2 * (said * truth).sum((2, 3)) + 8) / (said.sum((2, 3)) + truth.sum((2, 3)) + 8)
        each = 6 * focal + 1 - overlap
        with torch.no_grad():
            hard, true = logits > 0, truth > 0.5
            iou = ((hard & true).sum((2, 3)) + 1e-3) / ((hard | true).sum((2, 3)) + 1e-3)
        visible = weight * present
        total = visible.sum() + 1e-3
        best = (each.amin(1) * visible).sum() / total
        quality = ((answer.quality.float() - iou).abs().mean(1) * visible).sum() / total
        there = F.binary_cross_entropy_with_logits(answer.score.float()[:, 0], present, reduction="none")
        there = (there * weight).sum() / (weight.sum() + 1e-3)
        chosen = iou.gather(1, answer.quality.argmax(1, keepdim=True))[:, 0]
        return best + 0.3 * quality + 0.2 * there, ((chosen * visible).sum() / total).detach()


MEASURES = ("box", "click", "again", "corrected", "followed", "last", "recorrected")
"""What a training step tells of: J on the prompted frame from a box and from a click, after seeing
it again, after a correction; of the second and of the last frame; of the last after a correction.
"""


def training_loss(
    tracker: BatchTracker, pixels: Tensor, masks: Tensor, parts: Tensor, usable: Tensor, shares: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Compute the loss of a batch of clips.

    Args:
        tracker: The network's steps.
        pixels: (B, T, 3, S, S) in [0, 1].
        masks: Of the targets, bool (B, T, O, S, S).
        parts: Labels of things and parts, int8 (B, T, S, S).
        usable: 1 for targets that count, (B, O).
        shares: Of the targets that are prompted by box and by click; the rest by their mask. Half
            of the first two are corrected.

    Returns:
        The loss and MEASURES, (7,).
    """
    targets, frames = masks.shape[2], masks.shape[1]
    truth = masks.permute(1, 2, 0, 3, 4).flatten(1, 2)
    weight = usable.T.flatten()
    count = len(weight)
    boxed, clicked = round(count * shares[0]), round(count * shares[1])
    prompted = boxed + clicked
    box_part, click_part, mask_part = slice(0, boxed), slice(boxed, prompted), slice(prompted, count)
    shown = tracker.encode(pixels, targets)
    scorer = FrameScorer(truth[0], weight)
    first, device = shown[0], pixels.device
    plain = tracker.plain(first)
    corners = simulated_prompts.boxes(truth[0, box_part])
    click = simulated_prompts.clicks(truth[0, click_part], parts[:, 0].repeat(targets, 1, 1)[click_part])[:, None]
    box_labels, click_labels = tracker.corners.expand(boxed, 2), tracker.one.expand(clicked, 1)
    from_box = tracker.decode(first.take(box_part), plain[box_part], (corners, box_labels), None, False)
    from_click = tracker.decode(first.take(click_part), plain[click_part], (click, click_labels), None, True)
    losses, seen = [], []

    def scored(answer: Answer, part: slice, importance: float, at: FrameScorer) -> Tensor:
        loss, iou = at.loss(answer, part)
        losses.append(importance * loss)
        return iou

    seen += [scored(from_box, box_part, 0.6, scorer), scored(from_click, click_part, 0.5, scorer)]
    # the prompted frame again, with the memory of its own answer
    again_part = slice(0, prompted)
    frame = first.take(again_part)
    one = torch.ones((), device=device)
    memory = tracker.remember(frame, join([from_box, from_click]))
    again = tracker.decode(frame, tracker.recall(frame, memory, [], one, 1), None, None, False)
    seen.append(scored(again, again_part, 1.0, scorer))
    # a click on a mistake, for half of them
    pieces, corrected = [], []
    for part, points, labels in ((box_part, corners, box_labels), (click_part, click, click_labels)):
        middle = part.start + (part.stop - part.start) // 2
        half, number = slice(part.start, middle), middle - part.start
        said, true = scorer.wrong(again.small[half])
        place, sign = simulated_prompts.corrections(said, true[half])
        points = torch.cat([points[:number], 2 * place[:, None]], 1)
        labels = torch.cat([labels[:number], sign], 1)
        answer = tracker.decode(first.take(half), plain[half], (points, labels), again.small[half].clamp(-32, 32), False)
        corrected.append(scored(answer, half, 0.35, scorer))
        pieces += [answer, again.take(slice(middle, part.stop))]
    seen.append(torch.stack(corrected).mean())
    pieces.append(tracker.given(first.take(mask_part), truth[0, mask_part][:, None].float()))
    origin = tracker.remember(first, join(pieces))
    # at times as if the prompt had been long ago
    long_ago = torch.rand((), device=device) * 90 * (torch.rand((), device=device) < 0.5)
    recent: list[Memory] = []
    everyone = slice(0, count)
    for index in range(1, frames):
        frame, scorer = shown[index], FrameScorer(truth[index], weight)
        features = tracker.recall(frame, origin, recent, long_ago + index, tracker.network.max_obj_ptrs_in_encoder - 1)
        answer = tracker.decode(frame, features, None, None, False)
        iou = scored(answer, everyone, 2.0 / (frames - 1) + 0.5, scorer)
        if index == 1:
            seen.append(iou)
        if index == frames - 1:
            said, true = scorer.wrong(answer.small)
            place, sign = simulated_prompts.corrections(said, true)
            mended = tracker.decode(frame, features, (2 * place[:, None], sign), answer.small.clamp(-32, 32), False)
            seen += [iou, scored(mended, everyone, 0.3, scorer)]
        else:
            recent.append(tracker.remember(frame, answer))
    return torch.stack(losses).sum() / (2 + 0.5 * frames), torch.stack(seen)


@torch.no_grad()
def track(tracker: BatchTracker, pixels: Tensor, masks: Tensor, prompt: str, passes: int) -> tuple[Tensor, Tensor]:
    """Track targets from the exact prompt on their first frame.

    Args:
        tracker: The network's steps.
        pixels: (B, T, 3, S, S) in [0, 1].
        masks: True masks of the targets, bool (B, T, O, S, S).
        prompt: box, click or mask.
        passes: How often the prompted frame is shown again.

    Returns:
        J (N, T) of N = O * B targets and logits (N, T, h, w).
    """
    targets, frames = masks.shape[2], masks.shape[1]
    truth = masks.permute(1, 2, 0, 3, 4).flatten(1, 2)
    count = truth.shape[1]
    shown, weight = tracker.encode(pixels, targets), torch.ones(count, device=pixels.device)
    first = shown[0]
    points: dict[str, Any] = {
        "box": lambda: (simulated_prompts.boxes(truth[0], 0.0), tracker.corners.expand(count, 2)),
        "click": lambda: (simulated_prompts.deepest(truth[0])[:, None], tracker.one.expand(count, 1)),
    }
    if prompt == "mask":
        answer = tracker.given(first, truth[0][:, None].float())
    else:
        answer = tracker.decode(first, tracker.plain(first), points[prompt](), None, prompt == "click")
        for _ in range(passes):
            features = tracker.recall(first, tracker.remember(first, answer), [], torch.ones((), device=pixels.device), 1)
            answer = tracker.decode(first, features, None, None, False)
    origin = tracker.remember(first, answer)
    recent: list[Memory] = []
    scores, logits = [FrameScorer(truth[0], weight).iou(answer.small)[:, 0]], [answer.small[:, 0]]
    for index in range(1, frames):
        distance = torch.full((), float(index), device=pixels.device)
        features = tracker.recall(shown[index], origin, recent, distance, tracker.network.max_obj_ptrs_in_encoder - 1)
        answer = tracker.decode(shown[index], features, None, None, False)
        recent.append(tracker.remember(shown[index], answer))
        scores.append(FrameScorer(truth[index], weight).iou(answer.small)[:, 0])
        logits.append(answer.small[:, 0])
    return torch.stack(scores, 1), torch.stack(logits, 1)
