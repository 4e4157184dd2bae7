"""Loading a package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError, ModelMissingError
from core.models import ModelStore
from core.project.edits import SamplingSettings
from core.vivid.contract import Sampling
from core.vivid.model import load_vivid
from tests.builders import tiny_vivid, tiny_vivid_package

pytestmark = pytest.mark.usefixtures("one_thread")


def _rewrite(package: Path, **changes: object) -> None:
    facts = json.loads((package / "vivid.json").read_text())
    (package / "vivid.json").write_text(json.dumps(facts | changes))


def test_a_package_says_how_it_wants_to_be_run(tmp_path: Path) -> None:
    model = tiny_vivid(tmp_path)
    assert model.working_size == (32, 32)
    assert model.window_frames == 17
    assert model.sampling("add", SamplingSettings()) == model.tasks["add"]
    assert model.sampling("add", SamplingSettings(steps=4)) == Sampling(4, model.tasks["add"].guidance)
    assert model.sampling("add", SamplingSettings(steps=4, guidance=0)) == Sampling(4, 0)


def test_a_package_says_which_words_it_knows(tmp_path: Path) -> None:
    vocabulary = tiny_vivid(tmp_path).vocabulary
    assert vocabulary is not None
    assert vocabulary.unknown("a large red giraffe, a shiny ball") == ("giraffe",)
    assert vocabulary.unknown("A small striped Blue cube") == ()
    _rewrite(tmp_path, vocabulary=None)
    assert load_vivid(str(tmp_path), "cpu", ModelStore()).vocabulary is None


def test_a_package_says_at_which_rate_it_was_trained(tmp_path: Path) -> None:
    assert tiny_vivid(tmp_path).rate_hint(240) == ""  # each clip at its own rate
    _rewrite(tmp_path, fps=8)
    model = load_vivid(str(tmp_path), "cpu", ModelStore())
    assert model.rate_hint(10) == ""
    assert "8 frames a second and the clip has 30: to the model it moves 3.8 times slower" in model.rate_hint(30)
    assert "2.0 times faster" in model.rate_hint(4)


def test_a_layout_of_another_order_is_taken_from_the_package(tmp_path: Path) -> None:
    _rewrite(tiny_vivid_package(tmp_path), layout="masked,noise,mask")
    assert str(load_vivid(str(tmp_path), "cpu", ModelStore()).pipeline.layout) == "masked,noise,mask"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mask_channels": 3}, "9 channels"),
        ({"working_size": [30, 32]}, "30x32"),
        ({"window_frames": 16}, "16 frames"),
        ({"fps": -8}, "can't be loaded"),
        ({"tasks": {"add": {"steps": 3}}}, "guidance"),
        ({"layout": "noise,mask"}, "channel layout"),
        ({"layout": 5}, "can't be loaded"),
        ({"tasks": {}}, "can't be loaded"),
        ({"tasks": []}, "can't be loaded"),
        ({"working_size": []}, "can't be loaded"),
        ({"vocabulary": {"colours": 5}}, r"no vivid\.json that can be read"),
    ],
)
def test_a_package_that_contradicts_itself_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    _rewrite(tiny_vivid_package(tmp_path), **changes)
    with pytest.raises((ModelMissingError, InputError), match=message):
        load_vivid(str(tmp_path), "cpu", ModelStore())


def test_a_damaged_package_is_a_missing_model(tmp_path: Path) -> None:
    package = tiny_vivid_package(tmp_path / "package")
    for weights in sorted(package.glob("*/*.safetensors")):
        whole = weights.read_bytes()
        for damaged in (whole[:1000], b""):
            weights.write_bytes(damaged)
            with pytest.raises(ModelMissingError, match="can't be loaded"):
                load_vivid(str(package), "cpu", ModelStore())
        weights.write_bytes(whole)
    (package / "vivid.json").unlink()
    (tmp_path / "adapted").mkdir()
    (tmp_path / "adapted" / "vivid.json").write_text('{"base": "somebody/CogVideoX", "adapter": "adapter.safetensors"}')
    with pytest.raises(ModelMissingError, match=r"'somebody/CogVideoX' is not on this machine, .* run `hf download somebody/CogVideoX`"):
        load_vivid(str(tmp_path / "adapted"), "cpu", ModelStore())
    with pytest.raises(ModelMissingError, match=r"no VIVID package: its vivid\.json"):
        load_vivid(str(package), "cpu", ModelStore())
    with pytest.raises(InputError, match="unknown video model"):
        load_vivid("nosuch", "cpu", ModelStore())
