"""The network itself: it answers as the package's own predictor does, forgets what it can't look
back at, and loads what it should.
"""

from pathlib import Path
from types import MethodType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sam2.build_sam import build_sam2
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_video_predictor import SAM2VideoPredictor

from core.errors import InputError, ModelMissingError
from core.models import ModelStore
from core.models.device import has_fast_bfloat16
from core.progress import JobContext
from core.project.prompts import BoxPrompt, PointPrompt
from core.project.video import VideoInfo
from core.segment import load_segmenter
from core.segment.frames import encode
from core.segment.network import build_network, Sam2Config
from core.segment.prompts import FramePrompts
from core.segment.tracker import ObjectTracker, step_together

TOY = Sam2Config(
    image_size=64,
    embed_dim=8,
    stages=(1, 1, 2, 1),
    channels=32,
    memory_channels=16,
    memory_layers=1,
    feedforward=32,
    memories=3,
    pointers=4,
)
SIZE = (96, 72)

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPTS = FramePrompts(((20.0, 10.0), (70.0, 60.0)), (2, 3), None)


class SyntheticReader:
    """A clip of coloured noise, made when asked for."""

    def __init__(self, frames: int) -> None:
        self.info = VideoInfo(width=SIZE[0], height=SIZE[1], rate=24, frames=frames)

    def __len__(self) -> int:
        return self.info.frames

    def frame(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


@pytest.fixture
def toy() -> SAM2Base:
    """A random network that believes in its object."""
    torch.manual_seed(0)
    network = build_network(TOY).eval().requires_grad_(False)
    network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(3.0)
    return network


def test_tracking_equals_the_packages_predictor(toy: SAM2Base) -> None:
    reader = SyntheticReader(14)
    tracker = ObjectTracker(toy, SIZE, len(reader), passes=0)
    ours = [tracker.prompt(0, encode(toy, reader.frame(0)), PROMPTS)]
    others = [ObjectTracker(toy, SIZE, len(reader), passes=0) for _ in range(2)]
    shown = FramePrompts(((5.0, 30.0), (40.0, 70.0)), (2, 3), None)
    for other, prompts in zip(others, (PROMPTS, shown), strict=True):
        other.prompt(0, encode(toy, reader.frame(0)), prompts)
    alone = ObjectTracker(toy, SIZE, len(reader), passes=0)
    alone.prompt(0, encode(toy, reader.frame(0)), shown)
    for index in range(1, len(reader)):
        features = encode(toy, reader.frame(index))
        ours.append(tracker.step(index, features))
        together = step_together(others, index, features, reverse=False)
        assert together is not None
        for one, apart in zip(together, (ours[-1], alone.step(index, features)), strict=True):
            torch.testing.assert_close(one["pred_masks"], apart["pred_masks"], rtol=1e-4, atol=1e-5)
            assert one["quality"] == pytest.approx(apart["quality"], abs=1e-4)
    others[0].recent.popitem()
    assert step_together(others, len(reader) - 1, features, reverse=False) is None, "they look back at different frames"

    theirs = _with_package_predictor(toy, reader)
    assert all((answer["pred_masks"] > -1000).all() for answer in ours)  # no frame was answered with "no object"
    for mine, official in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine["pred_masks"][0, 0], official, rtol=1e-4, atol=1e-5)


def _with_package_predictor(network: SAM2Base, reader: SyntheticReader) -> list[torch.Tensor]:
    """Low-resolution logits of every frame from SAM2VideoPredictor with the same weights, which
    keeps all that it ever saw.
    """
    frames = [cut.permute(2, 0, 1) for cut in _normalised(network, reader)]
    network.__class__ = SAM2VideoPredictor
    network.fill_hole_area, network.non_overlap_masks, network.clear_non_cond_mem_around_input = 0, False, False
    network.add_all_frames_to_correct_as_cond = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sam2.sam2_video_predictor.load_video_frames", lambda **_: (torch.stack(frames), SIZE[1], SIZE[0]))
        state = network.init_state("")
    network.add_new_points_or_box(state, 0, 1, box=[20, 10, 70, 60])
    for _ in network.propagate_in_video(state):
        pass
    outputs = state["output_dict_per_obj"][0]
    merged = outputs["cond_frame_outputs"] | outputs["non_cond_frame_outputs"]
    return [merged[index]["pred_masks"][0, 0] for index in range(len(reader))]


def _normalised(network: SAM2Base, reader: SyntheticReader) -> list[torch.Tensor]:
    """The pictures as `encode` hands them to the image encoder, (side, side, 3)."""
    seen: list[torch.Tensor] = []
    original = network.forward_image

    def spy(_network: SAM2Base, picture: torch.Tensor) -> dict:
        seen.append(picture[0].permute(1, 2, 0).clone())
        return original(picture)

    network.forward_image = MethodType(spy, network)
    for index in range(len(reader)):
        encode(network, reader.frame(index))
    network.forward_image = original
    return seen


@pytest.mark.parametrize("reverse", [False, True])
def test_memory_does_not_grow_with_the_clip(toy: SAM2Base, reverse: bool) -> None:
    reader = SyntheticReader(60)
    tracker = ObjectTracker(toy, SIZE, len(reader), passes=2)
    order = list(range(59, -1, -1)) if reverse else list(range(60))
    tracker.prompt(order[0], encode(toy, reader.frame(order[0])), PROMPTS)
    kept = []
    for index in order[1:]:
        tracker.step(index, encode(toy, reader.frame(index)), reverse=reverse)
        kept.append(len(tracker.recent) + len(tracker.conditioning))
    assert max(kept) == kept[20] == kept[-1] <= TOY.memories + TOY.pointers + 1


@pytest.mark.parametrize("reverse", [False, True])
def test_frames_without_the_object_are_not_what_the_network_looks_back_at(toy: SAM2Base, reverse: bool) -> None:
    reader, looked_at = SyntheticReader(12), {}
    original = toy._track_step

    def spy(_network: SAM2Base, *args: object, output_dict: dict, **named: object) -> tuple:
        looked_at.update(keys=sorted(output_dict["non_cond_frame_outputs"]))
        return original(*args, output_dict=output_dict, **named)

    toy._track_step = MethodType(spy, toy)
    toy.sam_mask_decoder.iou_prediction_head.layers[-1].bias.fill_(3.0)  # and in its masks
    tracker = ObjectTracker(toy, SIZE, len(reader), passes=1)
    order = range(11, -1, -1) if reverse else range(12)
    tracker.prompt(order[0], encode(toy, reader.frame(order[0])), PROMPTS)
    for index in order[1:]:
        hidden = index in (4, 5, 6)
        toy.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(-3.0 if hidden else 3.0)
        tracker.step(index, encode(toy, reader.frame(index)), reverse=reverse)
        if index == (3 if reverse else 7):  # those before the hidden frames are next to this one
            assert looked_at["keys"] == ([4, 5, 6, 7] if reverse else [4, 5, 6])
        assert not {4, 5, 6} & set(tracker.recent)
    assert len(tracker.recent) <= max(TOY.memories, TOY.pointers) + 1


def _write_package(folder: Path, config: Sam2Config = TOY) -> Path:
    folder.mkdir()
    config.write(folder / "config.json")
    save_file(build_network(config).half().state_dict(), folder / "model.safetensors")
    return folder


def test_a_package_loads_from_its_folder(tmp_path: Path) -> None:
    segmenter = load_segmenter(str(_write_package(tmp_path / "mine")), "cpu", ModelStore())
    network = segmenter.backend.network
    encoders, every = {*network.image_encoder.parameters(), *network.memory_encoder.parameters()}, set(network.parameters())
    assert {parameter.dtype for parameter in every - encoders} == {torch.float32}
    assert {parameter.dtype for parameter in encoders} == {torch.bfloat16 if has_fast_bfloat16() else torch.float32}
    answers = list(segmenter.session(SyntheticReader(3)).track({1: [BoxPrompt(1, 1, 20, 10, 70, 60)]}, 0, 3, JobContext()))
    assert [frame for frame, _ in answers] == [1, 2, 0]


def test_broken_packages_and_checkpoints_are_named(tmp_path: Path) -> None:
    package = _write_package(tmp_path / "mine")
    Sam2Config(**{**TOY.__dict__, "channels": 64}).write(package / "config.json")
    with pytest.raises(InputError, match=r"don't fit its config\.json"):
        load_segmenter(str(package), "cpu", ModelStore())
    (package / "config.json").write_text('{"image_sizes": 64}')
    with pytest.raises(InputError, match="does not know: image_sizes"):
        load_segmenter(str(package), "cpu", ModelStore())
    (package / "config.json").write_text('{"image_size": 100}')
    with pytest.raises(InputError, match="100 is not a multiple of 32"):
        load_segmenter(str(package), "cpu", ModelStore())
    (package / "config.json").unlink()
    with pytest.raises(InputError, match="not a readable configuration"):
        load_segmenter(str(package), "cpu", ModelStore())
    checkpoint = tmp_path / "mine.pt"
    checkpoint.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match=r"mine\.pt is not a SAM 2\.1 checkpoint"):
        load_segmenter(str(checkpoint), "cpu", ModelStore())
    for other in ({"model": 5}, {"model": {"image_encoder.trunk.patch_embed.proj.weight": 5}}, [1]):
        torch.save(other, checkpoint)
        with pytest.raises(InputError, match=r"mine\.pt is not a SAM 2\.1 checkpoint"):
            load_segmenter(str(checkpoint), "cpu", ModelStore())
    damaged = tmp_path / "mine.safetensors"
    damaged.write_bytes((package / "model.safetensors").read_bytes()[:100])
    with pytest.raises(InputError, match=r"mine\.safetensors is not a SAM 2\.1 checkpoint"):
        load_segmenter(str(damaged), "cpu", ModelStore())
    torch.save({"model": {"weight": torch.zeros(1)}}, checkpoint)
    with pytest.raises(InputError, match=r"mine\.pt is not one of the SAM 2\.1 sizes"):
        load_segmenter(str(checkpoint), "cpu", ModelStore())
    with pytest.raises(InputError, match="unknown segmenter model 'embeded'"):
        load_segmenter("embeded", "cpu", ModelStore())
    with pytest.raises(ModelMissingError):
        load_segmenter("embedded", "cpu", ModelStore(assets=tmp_path / "nothing"))


def test_a_sam_2_1_checkpoint_gives_a_mask(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", device="cpu")
    network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.data.fill_(100.0)
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    checkpoint = tmp_path / "models" / "tiny" / "sam2.1_hiera_tiny.pt"
    torch.save({"model": network.state_dict()}, checkpoint)
    by_name = load_segmenter("tiny", "cpu", ModelStore(tmp_path / "models"))
    for key, value in by_name.backend.network.state_dict().items():
        assert torch.equal(value, network.state_dict()[key].to(value.dtype))
    mask = by_name.session(SyntheticReader(1)).preview(0, [PointPrompt(0, 1, 48, 36)])
    assert (mask.shape, mask.dtype) == ((72, 96), np.bool_)
    assert mask.any()
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    by_path = load_segmenter(str(tmp_path / "mine.safetensors"), "cpu", ModelStore())
    assert by_path.backend.network.image_size == 1024
