"""Keyframes painted by image inpainting models: tiny random ones of diffusers' own classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import DISC_BOX, finish, held_at, tiny_vivid_package
from command_line import BOX, run_here, same_as_pngs
from tiny_keyframe_models import SIDE, write_keyframe_model

from app.commands.cli import main
from app.editor.editor import Editor
from app.render.recipe import Recipe
from app.settings import Settings
from core.errors import InputError, ModelMissingError
from core.keyframe_models.contract import PaintRequest, sizes_of
from core.keyframe_models.loading import load_keyframe_model
from core.keyframe_models.pipeline_model import PipelineModel
from core.keyframe_models.placing import DENOISING, LAYERS, place
from core.keyframe_models.sharing import SharedDevice, tenant_of
from core.keyframe_models.studio import painted_area, PaintingStudio
from core.media import open_clip, read_image
from core.models import ModelStore
from core.progress import JobContext
from core.project.edits import SamplingSettings, VIDEO_MODEL
from core.render.composite import difference_outside
from core.vivid.keyframe import KeyframeStudio
from core.vivid.memory import MARGIN, MemoryPlan
from core.vivid.model import load_vivid
from core.vivid.residents import weight_bytes
from tests.builders import noise_frames

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 4
KINDS = ("flux2-klein", "sdxl", "qwen-image")
QUICK, FOUR = SamplingSettings(steps=2), SamplingSettings(steps=4)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: write_keyframe_model(kind, tmp_path_factory.mktemp("models") / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def models(one_thread: None, folders: dict[str, Path]) -> dict[str, PipelineModel]:
    return {kind: loaded(folder) for kind, folder in folders.items()}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_vivid_package(tmp_path_factory.mktemp("package")))


def loaded(folder: Path, precision: torch.dtype = torch.float32) -> PipelineModel:
    model = load_keyframe_model(str(folder), "cpu", ModelStore())
    model.pipeline.to(precision)
    return model


def frame_and_region() -> tuple[np.ndarray, np.ndarray]:
    region = np.zeros((61, 93), bool)
    region[20:47, 60:93] = True
    return noise_frames(1, 61, 93)[0], region


def tries(model: PipelineModel, seeds: list[int], settings: SamplingSettings = QUICK, **more: Any) -> list[np.ndarray]:
    prepared = PaintingStudio(model).prepare(*frame_and_region())
    return list(prepared.tries("modify", "a red ball", seeds, settings, JobContext(), **more))


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_recognised_and_paints_the_region_only(models: dict[str, PipelineModel], kind: str) -> None:
    frame, region = frame_and_region()
    first, second = tries(models[kind], [7, 3])
    assert all(difference_outside(frame, picture, region) == 0 for picture in (first, second))
    assert (first[region] != frame[region]).mean() > 0.5
    assert (first != second).any()
    assert (tries(models[kind], [7])[0] == first).all()
    steps: list[int] = []
    context = JobContext(lambda event: steps.append(event.total))
    (kept,) = PaintingStudio(models[kind]).prepare(frame, region).tries("modify", "a ball", [7], FOUR, context, start=first, keep=0.5)
    assert set(steps) == {2}
    assert len(steps) == 3
    assert difference_outside(frame, kept, region) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_of_a_caption_share_what_was_read_of_it(models: dict[str, PipelineModel], kind: str) -> None:
    spoken: list[int] = []
    hook = models[kind].pipeline.text_encoder.register_forward_hook(lambda *_: spoken.append(1))
    frame, region = frame_and_region()
    prepared = PaintingStudio(models[kind]).prepare(frame, region)
    for _ in range(2):
        list(prepared.tries("add", f"a ball that only {kind} has read of", [1, 2], QUICK, JobContext()))
    read = len(spoken)
    list(prepared.tries("add", "another", [1], QUICK, JobContext()))
    hook.remove()
    assert read == len(spoken) - read


class Lighter:
    """Paints a square of a known colour, and all that it paints in another light."""

    name, steps, guidance, delete_caption = "lighter", 1, 1.0, "nothing"
    sizes, cell, sees_region, returns_surroundings = ((128, 128),), 16, True, True
    SQUARE = (60, 120, 90)

    def paint(self, asked: PaintRequest, on_step: Callable[[int], None]) -> np.ndarray:
        on_step(1)
        picture = asked.pixels.copy()
        picture[56:72, 56:72] = self.SQUARE
        lighter = np.clip(picture * 1.2 + 6, 0, 255).astype(np.uint8)
        return np.where(asked.mask[..., None], lighter, picture)


@pytest.mark.parametrize("task", ["add", "modify"])
def test_the_light_that_a_model_adds_is_taken_back(task: str) -> None:
    ys, xs = np.mgrid[:128, :128]
    frame = np.stack([70 + xs // 2, 60 + ys // 2, 90 + (xs + ys) // 4], -1).astype(np.uint8)
    region = np.zeros((128, 128), bool)
    region[24:104, 24:104] = True
    prepared = PaintingStudio(Lighter()).prepare(frame, region)
    (picture,) = prepared.tries(task, "a square", [1], SamplingSettings(), JobContext())
    assert (prepared.canvas.pixels == frame).all()
    assert difference_outside(frame, picture, region) == 0
    assert np.abs(picture[58:70, 58:70].astype(int) - Lighter.SQUARE).max() <= 3
    around = region.copy()
    around[48:80, 48:80] = False
    assert np.abs(picture.astype(int) - frame)[around].mean() < 3


def test_sizes_are_whole_cells_and_as_large_as_the_square() -> None:
    sizes = sizes_of(1024, 16)
    assert sizes[0] == (1024, 1024)
    assert all(height % 16 == width % 16 == 0 and 0.9 * 1024**2 < height * width <= 1024**2 for height, width in sizes)
    assert (880, 1184) in sizes


def test_the_ring_is_painted_where_surroundings_come_back_as_they_were() -> None:
    mask = np.zeros((128, 128), bool)
    mask[50:60, 50:60] = True
    area = painted_area(mask, Lighter())
    assert area[32:80, 32:80].all()
    assert area.sum() == 48 * 48


def test_a_region_is_seen_as_large_as_a_size_of_the_model_lets_it(models: dict[str, PipelineModel]) -> None:
    model = models["flux2-klein"]
    region = np.zeros((240, 320), bool)
    region[110:130, 20:300] = True
    size = PaintingStudio(model).prepare(np.zeros((240, 320, 3), np.uint8), region).canvas.crop.working_size
    assert size in model.sizes
    assert size[1] > size[0]


def test_weights_lie_as_the_hub_has_them(folders: dict[str, Path], models: dict[str, PipelineModel], tmp_path: Path) -> None:
    """SDXL in half precision alone, and a ControlNet on a Qwen-Image that was fetched."""
    half = shutil.copytree(folders["sdxl"], tmp_path / "half")
    for path in half.rglob("*.safetensors"):
        path.rename(path.with_name(path.name.replace(".safetensors", ".fp16.safetensors")))
    assert (tries(loaded(half), [7])[0] == tries(models["sdxl"], [7])[0]).all()
    shutil.copytree(folders["qwen-image"], tmp_path / "models" / "qwen-image")
    (tmp_path / "models" / "qwen-image" / "controlnet").rename(tmp_path / "models" / "qwen-image-inpaint")
    (tmp_path / "models" / "qwen-image-inpaint" / "vivid.json").write_text(json.dumps({"side": SIDE}))
    apart = load_keyframe_model("qwen-image-inpaint", "cpu", ModelStore(tmp_path / "models"))
    assert (tries(apart, [7])[0] == tries(models["qwen-image"], [7])[0]).all()


def test_qwen_starts_from_the_noised_picture_where_a_share_is_kept(models: dict[str, PipelineModel]) -> None:
    """By hand: of 4 steps the last 2, from (1 - sigma) of the clean latents and sigma of noise."""
    pipeline = models["qwen-image"].pipeline
    starts: list[torch.Tensor] = []

    def note(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        starts.append(named["hidden_states"])

    frame, region = frame_and_region()
    prepared = PaintingStudio(models["qwen-image"]).prepare(frame, region)
    hook = pipeline.controlnet.register_forward_pre_hook(note, with_kwargs=True)
    list(prepared.tries("modify", "a ball", [7], FOUR, JobContext(), start=frame, keep=0.5))
    hook.remove()
    assert len(starts) == 2
    pixels = torch.from_numpy(prepared.canvas.pixels.copy()).permute(2, 0, 1)[None, :, None] / 127.5 - 1
    with torch.no_grad():
        clean = (pipeline.vae.encode(pixels).latent_dist.mode() - 0.1) / 1.5
    noise = torch.randn(clean.transpose(1, 2).shape, generator=torch.Generator().manual_seed(7))
    sigma = float(pipeline.scheduler.sigmas[0])
    assert 0.5 < sigma < 0.9
    wanted = (1 - sigma) * clean.transpose(1, 2) + sigma * noise
    _, _, channels, high, wide = wanted.shape
    packed = wanted.view(1, channels, high // 2, 2, wide // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(1, high * wide // 4, 4 * channels)
    assert torch.allclose(starts[0], packed, atol=1e-5)


# What can't be used.


def test_what_is_no_keyframe_model_is_refused_in_one_sentence(folders: dict[str, Path], tmp_path: Path) -> None:
    def refused(folder: Path) -> str:
        with pytest.raises((ModelMissingError, InputError)) as caught:
            loaded(folder)
        text = str(caught.value)
        assert "\n" not in text
        assert "Traceback" not in text
        return text

    good = folders["flux2-klein"]
    assert "there is no checkpoint" in refused(tmp_path / "missing" / "model")
    (tmp_path / "empty").mkdir()
    assert "has no model_index.json" in refused(tmp_path / "empty")
    other = tmp_path / "other"
    other.mkdir()
    (other / "model_index.json").write_text('{"_class_name": "CogVideoXPipeline"}')
    assert "is a CogVideoXPipeline" in refused(other)
    (other / "model_index.json").write_text("[1")
    assert "can't be read as JSON" in refused(other)
    for kind, part, change, said in (
        ("sdxl", "unet", {"in_channels": 4}, "has 4 channels"),
        ("qwen-image", "controlnet", {"extra_condition_channels": 0}, "reads no mask"),
    ):
        folder = shutil.copytree(folders[kind], tmp_path / kind)
        config = folder / part / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | change))
        assert said in refused(folder)
    shutil.rmtree(tmp_path / "qwen-image" / "controlnet")
    assert "lacks a ControlNet" in refused(tmp_path / "qwen-image")
    for number, spoil in enumerate((_cut, _without_part, _wrong_facts)):
        folder = tmp_path / f"spoiled-{number}"
        shutil.copytree(good, folder)
        spoil(folder)
        assert "can't be" in refused(folder)


def _cut(folder: Path) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _without_part(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def _wrong_facts(folder: Path) -> None:
    (folder / "vivid.json").write_text(json.dumps({"steps": -3}))


# Memory.


@pytest.mark.parametrize(("kind", "precision"), [(kind, half) for kind in KINDS for half in (torch.float32, torch.bfloat16)])
def test_parts_and_layers_that_come_when_called_paint_the_same(folders: dict[str, Path], kind: str, precision: torch.dtype) -> None:
    """In half precision, too, in which the pipeline of SDXL changes its autoencoder's meanwhile."""
    (plain,) = tries(loaded(folders[kind], precision), [5])
    for wanted in ("auto", "parts", "layers") if kind == "flux2-klein" else ("parts", "layers"):
        model = loaded(folders[kind], precision)
        model.places = place(model.pipeline, model.denoiser, CPU, wanted, model.sizes[0], 10**12)
        assert (tries(model, [5])[0] == plain).all()
        assert (model.denoiser in model.places.plan.streamed) == (wanted == "layers")
        assert ("text_encoder" in model.places.residents.here) == (wanted == "auto")


def test_layers_that_come_find_room_beside_the_parts_that_stay(folders: dict[str, Path]) -> None:
    model = loaded(folders["flux2-klein"])
    network, (height, width) = model.pipeline.transformer, model.sizes[0]
    work, size = DENOISING * height * width, weight_bytes(network)
    model.places = place(model.pipeline, model.denoiser, CPU, "auto", model.sizes[0], MARGIN + work + size - 1)
    residents, seen = model.places.residents, list[int]()
    assert model.places.plan.streamed == ("transformer",)
    residents.budget = work + size // LAYERS  # nothing fits beside
    network.register_forward_pre_hook(lambda *_: seen.append(residents.held))
    tries(model, [5])
    assert set(seen) == {0}
    assert residents.held > 0


def device_of(room: int) -> SharedDevice:
    shared = SharedDevice(lambda: room - sum(shared.held.values()))
    return shared


def test_of_two_models_that_do_not_fit_the_one_at_work_is_there(folders: dict[str, Path], package: str) -> None:
    painter, video = loaded(folders["flux2-klein"]), load_vivid(package, "cpu", ModelStore())
    painter.places = place(painter.pipeline, painter.denoiser, CPU, "auto", painter.sizes[0], 10**12)
    video.pipeline.memory = MemoryPlan("all", False, 10**9, 10**12)
    both = tenant_of(painter).need + 10**9 + MARGIN
    frame, region = frame_and_region()
    prepared = KeyframeStudio(video).prepare(frame, region)
    (before,) = prepared.tries("add", "a ball", [1], QUICK, JobContext())
    for room, beside in ((both, True), (both - 1, False)):
        shared = device_of(room)
        shared.enter("video", video)
        assert list(shared.held) == ["video"]
        shared.enter("painter", painter)
        assert (shared.held["video"] > 0) == beside
        assert video.device == CPU
        tries(painter, [1])
        assert shared.held["painter"] > 0
        shared.enter("video", video)
        assert (shared.held["painter"] > 0) == beside
        assert shared.held["video"] > 0
        (again,) = prepared.tries("add", "a ball", [1], QUICK, JobContext())
        assert (again == before).all()
        shared.clear()
        assert not any(shared.held.values())


# The whole way: the page's operations, and the command line.


@pytest.fixture
def editor(tmp_path: Path, folders: dict[str, Path], package: str) -> Iterator[Editor]:
    settings = Settings(workspace=tmp_path / "workspace", device="cpu", model=package, keyframe_model=str(folders["flux2-klein"]))
    editor = Editor(settings)
    yield editor
    editor.close()


def test_a_try_remembers_which_model_painted_it(editor: Editor, folders: dict[str, Path], package: str, clip: Path) -> None:
    name = str(folders["flux2-klein"])
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    editor.prompts.add_box(project_id, 1, 0, *DISC_BOX)
    finish(editor, editor.tracking.start(project_id))

    def start(*seeds: int, **more: Any) -> str:
        return editor.keyframes.start_tries(project_id, 1, "add", "a red ball", seeds, SamplingSettings(**more))

    finish(editor, start(1))
    ids = [*finish(editor, start(1, 2))["edits"], *finish(editor, start(1, painter=VIDEO_MODEL, steps=1))["edits"]]
    edits = [editor.projects.get(project_id).edit(edit_id) for edit_id in ids]
    assert [edit.model for edit in edits] == [name, name, package]
    assert [edit.settings.painter for edit in edits] == [name, name, None]
    pictures = [read_image(editor.projects.file(project_id, edit.image)) for edit in edits]
    region = editor.pictures.masks.load(editor.projects.get(project_id), edits[0].region)[1]
    with open_clip(clip) as reader:
        assert all(difference_outside(reader.frame(1), picture, region) == 0 for picture in pictures)
    assert (pictures[0] != pictures[1]).any()
    cost = {cost.step: cost.seconds for cost in editor.estimates.costs(project_id)}
    assert cost["keyframe"] is not None
    with pytest.raises(InputError, match="unknown image model"):
        start(1, painter="/etc")
    with held_at("keyframe", 1):
        job = start(1, 2)
        editor.jobs.cancel(job)
    assert editor.runner.wait(job, 60).state == "cancelled"
    assert len(editor.projects.get(project_id).edits) == 4


def test_the_command_line_paints_carries_and_replays(
    folders: dict[str, Path], package: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, out = str(folders["flux2-klein"]), tmp_path / "out"
    words = (
        "edit",
        clip,
        "--task",
        "add",
        "--caption",
        "a red ball",
        "--box",
        BOX,
        "--frames",
        "0:3",
        "--model",
        package,
        "--device",
        "cpu",
    )
    shared = ("--workspace", tmp_path / "workspace", "--keyframe-model", name)
    run_here(*words, *shared, "--out", out, "--png", "--only-frames")
    assert json.loads((out / "report.json").read_text())["max_difference_outside"] == 0
    keyframe = Recipe.load(out / "recipe.json").edits[0].keyframes[0]
    assert keyframe.paint_settings.painter == name
    run_here("replay", out / "recipe.json", "--anew", *shared, "--out", tmp_path / "again", "--codec", "ffv1")
    assert same_as_pngs(tmp_path / "again" / "output.mkv", out / "frames")
    capsys.readouterr()
    replay = (
        "replay",
        out / "recipe.json",
        "--anew",
        "--device",
        "cpu",
        "--out",
        tmp_path / "third",
        "--workspace",
        tmp_path / "workspace",
    )
    assert main([str(word) for word in replay]) == 2
    assert "put it beside the recipe, or name it with --keyframe-model" in capsys.readouterr().err
    assert main([str(word) for word in (*words, *shared, "--out", tmp_path / "both", "--keyframe", out / "keyframe.png")]) == 2
