"""Video models of transformers as segmenters, with their own classes and small random weights: the
same contract as the SAM 2 that ships, flat memory, and every instance of what words name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import disc_clip, finish
from hub import serve_hub
from tiny_models import write_model

from app.editor.editor import Editor
from app.settings import Settings
from core.errors import InputError, ModelMissingError
from core.evaluation.clips import FramesInMemory
from core.masks import write_mask
from core.models import ModelStore
from core.progress import JobContext
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt
from core.segment import load_segmenter
from core.segment.hub_network import HubBackend
from core.segment.prompts import FramePrompts

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("sam2_video", "edgetam_video", "sam3_video")
FRAMES = np.random.default_rng(0).integers(0, 256, (6, 72, 96, 3), dtype=np.uint8)
BOX = FramePrompts(((20.0, 10.0), (70.0, 60.0)), (2, 3), None)

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models by their type."""
    return {kind: write_model(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


def backend_of(folder: Path) -> HubBackend:
    backend = load_segmenter(str(folder), "cpu", ModelStore()).backend
    assert isinstance(backend, HubBackend)
    return backend


@pytest.mark.parametrize("kind", KINDS)
def test_clicks_and_boxes_are_answered_and_tracked_with_flat_memory(kind: str, folders: dict[str, Path]) -> None:
    segmenter = load_segmenter(str(folders[kind]), "cpu", ModelStore())
    session = segmenter.session(FramesInMemory(FRAMES))
    click, box = PointPrompt(0, 1, 40, 40), BoxPrompt(2, 2, 10, 10, 60, 60)
    shown = session.preview(0, [click])
    assert (shown.shape, shown.dtype) == ((72, 96), np.bool_)
    assert (session.preview(0, [click, PointPrompt(0, 1, 80, 10, positive=False)]) != shown).any()
    answers = dict(session.track({1: [click], 2: [box]}, 0, 6, JobContext()))
    assert sorted(answers) == list(range(6))
    assert (answers[0][1] == shown).all()
    assert all(masks[object_id].shape == (72, 96) for masks in answers.values() for object_id in (1, 2))
    assert all(0 <= quality <= 1 for masks in answers.values() for quality in masks.quality.values())
    assert [sorted(answers[frame].quality) for frame in (0, 1, 2)] == [[2], [1, 2], [1]]

    backend = segmenter.backend
    features, tracker = [backend.encode(frame) for frame in FRAMES], backend.tracker((96, 72), 60)
    tracker.prompt(0, features[0], BOX)
    kept = []
    for frame in range(1, 60):
        tracker.step(frame, features[frame % 6])
        kept.append(len(tracker.recent) + len(tracker.conditioning))
    assert max(kept) == kept[25] == kept[-1] < 20


@pytest.mark.parametrize("kind", KINDS)
def test_hand_made_frames_are_kept_and_a_correction_holds_onward(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    segmenter = load_segmenter(str(folders[kind]), "cpu", ModelStore())
    mask = np.zeros((72, 96), bool)
    mask[20:50, 30:70] = True
    write_mask(tmp_path / "mask.png", mask)
    session = segmenter.session(FramesInMemory(FRAMES), tmp_path)
    made = MaskPrompt(3, 1, "mask.png")
    whole = dict(session.track({1: [PointPrompt(0, 1, 40, 40), made]}, 0, 6, JobContext()))
    assert (whole[3][1] == mask).all()
    # what was tracked before it counts for nothing after it
    backend = segmenter.backend
    features = [backend.encode(frame) for frame in FRAMES]
    answers = []
    for before in ((), (1, 2)):
        tracker = backend.tracker((96, 72), 6)
        tracker.prompt(0, features[0], BOX)
        for frame in before:
            tracker.step(frame, features[frame])
        tracker.prompt(3, features[3], FramePrompts((), (), mask))
        answers.append([tracker.step(frame, features[frame])["pred_masks"] for frame in (4, 5)])
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))


@pytest.mark.parametrize("kind", KINDS[:2])
def test_tracking_equals_transformers_own_session(kind: str, folders: dict[str, Path]) -> None:
    backend = backend_of(folders[kind])
    network: Any = backend.network
    theirs = backend.session(
        video=torch.cat([backend.picture(frame) for frame in FRAMES]), video_height=72, video_width=96, dtype=torch.float32
    )
    index = theirs.obj_id_to_idx(1)
    points = BOX.point_inputs(backend.side, (96, 72), backend.device)
    assert points is not None
    theirs.add_point_inputs(index, 0, {name: value[:, None] for name, value in points.items()})
    theirs.obj_with_new_inputs = [1]
    tracker = backend.tracker((96, 72), len(FRAMES))
    for frame, picture in enumerate(FRAMES):
        features = backend.encode(picture)
        mine = tracker.step(frame, features) if frame else tracker.prompt(0, features, BOX)
        official = network(theirs, frame_idx=frame)
        torch.testing.assert_close(mine["pred_masks"], official.pred_masks, rtol=1e-4, atol=1e-4)


def test_words_find_every_instance_and_known_ones_keep_their_ids(folders: dict[str, Path], tmp_path: Path) -> None:
    editor = Editor(Settings(workspace=tmp_path / "workspace", segmenter=str(folders["sam3_video"])))
    try:
        assert editor.text_search.model() == (True, "SAM 3, the segmenter")
        project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", 3)).project_id
        detector = editor.engine.segmenter().finder._detector  # type: ignore[union-attr]
        with torch.no_grad():  # random weights believe in nothing
            detector.dot_product_scoring.register_forward_hook(lambda _module, _inputs, output: output + 20)
            detector.detr_decoder.presence_head.register_forward_hook(lambda _module, _inputs, output: output + 20)
        first = finish(editor, editor.text_search.find(project_id, 0, "Disc."))["objects"]
        assert len(first) > 1
        found = editor.projects.get(project_id)
        assert all(isinstance(track.prompts[0], MaskPrompt) and track.masks is not None for track in found.tracks)
        assert finish(editor, editor.text_search.find(project_id, 0, "disc"))["objects"] == first
        assert editor.projects.get(project_id) == found
        with pytest.raises(InputError, match="say in a few words"):
            editor.engine.word_finder().find(FRAMES[0], " . ")
    finally:
        editor.close()


def run(tmp_path: Path, url: str, name: str) -> subprocess.CompletedProcess[str]:
    """`models fetch` as a person starts it."""
    command = [sys.executable, "-m", "app.commands.cli", "models", "fetch", name, "--accept-licence", "--workspace", str(tmp_path)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()}
    environment = kept | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_a_model_is_fetched_and_a_gated_one_says_what_to_do(folders: dict[str, Path], tmp_path: Path) -> None:
    published = tmp_path / "published"
    shutil.copytree(folders["edgetam_video"], published / "yonigozlan/EdgeTAM-hf")
    shutil.copytree(folders["sam3_video"], published / "facebook/sam3")
    store = ModelStore(tmp_path / "models")
    with serve_hub(published, gated=["facebook/sam3"]) as (url, _):
        done = run(tmp_path, url, "edgetam")
        assert done.returncode == 0, done.stderr
        assert "licence: Apache-2.0" in done.stderr
        done = run(tmp_path, url, "sam3")
    assert done.returncode == ModelMissingError.exit_code, done.stderr
    licence, said = done.stderr.splitlines()[0], done.stderr.splitlines()[-1]
    assert "SAM License" in licence
    assert said.startswith("error: the weights of 'sam3' are gated: accept the licence on huggingface.co/facebook/sam3")
    assert str(tmp_path / "models" / "sam3") in said
    assert load_segmenter("edgetam", "cpu", store).backend.encode(FRAMES[0]).levels
    shutil.copytree(folders["sam3_video"], tmp_path / "models" / "sam3", dirs_exist_ok=True)  # what it tells a person to do
    assert store.available("sam3", "segmenter")
    assert load_segmenter("sam3", "cpu", store).finder is not None


def test_a_folder_that_is_damaged_or_another_model_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["sam2_video"], tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "memory_attention_num_layers": 2}))
    with pytest.raises(InputError, match="damaged or incomplete"):
        load_segmenter(str(folder), "cpu", ModelStore())
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="of the type 'bert', which can't track objects"):
        load_segmenter(str(folder), "cpu", ModelStore())
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged or incomplete"):
        load_segmenter(str(folder), "cpu", ModelStore())
