"""The models that the editor works with: what was chosen on the page is there after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.editor.editor import Editor
from app.settings import Settings
from core.errors import InputError
from core.models.catalogue import MODELS
from core.models.fetch import begun_mb, fetch_model, is_accepted
from core.models.record import HubFile, Record
from core.models.store import ModelStore
from core.progress import JobContext

VACE = "wan-vace-1.3b"


def put(workspace: Path, name: str) -> Path:
    """A folder as a person copies it from elsewhere."""
    folder = workspace / "models" / name
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    return folder


def test_a_video_model_is_used_from_the_next_start_on(tmp_path: Path) -> None:
    editor = Editor(Settings(workspace=tmp_path))
    with pytest.raises(InputError, match="fetch it first"):
        editor.models.use_video(VACE)
    (remover,) = (one for one in editor.models.states() if one.name == "void")
    assert remover.state == "absent", "it is fetched, with what it stands on"
    put(tmp_path, VACE)
    (state,) = (one for one in editor.models.use_video(VACE) if one.name == VACE)
    assert (state.used, state.next_start) == (False, True)
    editor.close()
    for settings, model in ((Settings(workspace=tmp_path), VACE), (Settings(workspace=tmp_path, model="other"), "other")):
        again = Editor(settings)
        assert again.engine.settings.model == model, "--model comes before what was chosen"
        again.close()
    (tmp_path / "models" / VACE / "model_index.json").unlink()
    gone = Editor(Settings(workspace=tmp_path))
    assert gone.engine.settings.model == Settings.model
    gone.close()


def test_weights_in_pieces_are_here_when_all_pieces_are(tmp_path: Path) -> None:
    folder, store = put(tmp_path, VACE), ModelStore(tmp_path / "models")
    index = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "transformer" / "model-1-of-2.safetensors").touch()
    assert not store.available(VACE, "video")
    (folder / "transformer" / "model-2-of-2.safetensors").touch()
    assert store.locate(VACE, "video") == folder
    assert fetch_model(VACE, store, JobContext()) == folder, "nothing is fetched, so no licence is asked for"
    with pytest.raises(InputError, match="to take the revision main in its place, remove it first"):
        fetch_model(VACE, store, JobContext(), revision="main")


def test_what_other_programs_fetched_is_used_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--facebook--sam2.1-hiera-tiny"
    file = kept / "snapshots" / ("0" * 40) / "sam2.1_hiera_tiny.pt"
    file.parent.mkdir(parents=True)
    file.touch()
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("0" * 40)
    assert ModelStore(tmp_path / "models").locate("tiny", "segmenter") == file


def test_a_licence_that_changed_is_asked_for_again(tmp_path: Path) -> None:
    store, begun = ModelStore(tmp_path), tmp_path / ".tiny"
    assert (is_accepted("tiny", store), begun_mb("tiny", store)) == (False, None)
    Record("r", "c", str(MODELS["tiny"].terms), "2026-01-01", {"f": HubFile(1, "", True)}).write(begun)
    assert is_accepted("tiny", store)
    Record("r", "c", "another licence", "2026-01-01").write(begun)
    assert not is_accepted("tiny", store)
