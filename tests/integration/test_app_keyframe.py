"""Tries as a tree, and keyframes out to other programs and back, on real files and a real, tiny
video model.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import DISC_BOX, finish, tiny_vivid_package, video_file
from PIL import Image

from app.commands.replay import replay_to_folder
from app.contract.requests import PictureRequest
from app.editor.editor import Editor
from app.settings import Settings
from core.errors import InputError
from core.masks import MaskSequence
from core.media import open_clip, read_image, read_image_with_alpha
from core.progress import JobContext
from core.project import project as document
from core.project.codec import encode
from core.project.edits import Placement, SamplingSettings, TryBasis
from core.project.prompts import BoxPrompt
from core.project.tracks import MaskAdjustment
from core.render.composite import difference_outside

FRAMES = 6
QUICK = SamplingSettings(steps=2)


def disc_on_texture() -> np.ndarray:
    """uint8 (T, 120, 160, 3): a bright disc that moves to the right over ground with structure, as
    footage has.
    """
    noise = np.random.default_rng(3)
    ground = sum(cv2.resize(noise.normal(0, 40, (120 // s, 160 // s, 3)), (160, 120), interpolation=cv2.INTER_CUBIC) for s in (4, 20))
    ys, xs = np.mgrid[:120, :160]
    frames = np.repeat(np.clip(110 + ground, 0, 255).astype(np.uint8)[None], FRAMES, 0)
    for index, frame in enumerate(frames):
        frame[(xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 20**2] = (235, 200, 60)
    return frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video_file(tmp_path_factory.mktemp("clip") / "disc.mp4", disc_on_texture(), options={"crf": "12"})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_vivid_package(tmp_path_factory.mktemp("package")))


@pytest.fixture
def editor(tmp_path: Path, model: str) -> Iterator[Editor]:
    editor = Editor(Settings(workspace=tmp_path / "workspace", device="cpu", model=model))
    yield editor
    editor.close()


@pytest.fixture
def project_id(editor: Editor, clip: Path) -> str:
    return masked(editor, clip)


def object_masks() -> list[np.ndarray]:
    """Masks of the disc, bool (120, 160)."""
    ys, xs = np.mgrid[:120, :160]
    return [(xs - 55 - 2 * i) ** 2 + (ys - 61) ** 2 < 21**2 for i in range(FRAMES)]


def masked(editor: Editor, clip: Path) -> str:
    """The clip with masks of its disc, as tracking leaves them."""
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    stored = editor.pictures.masks.store(project_id, MaskSequence((160, 120), 0, object_masks()))
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, FRAMES))
    editor.workspace.change(project_id, "Track", lambda p: document.with_track(p, track))
    editor.region.set_adjustment(project_id, MaskAdjustment("expand", 6, 4))
    return project_id


def sent(editor: Editor, project_id: str, what: str, **more: str) -> np.ndarray:
    _, data = editor.exchange.send(project_id, 2, what, **more)  # type: ignore[arg-type]
    return np.asarray(Image.open(io.BytesIO(data)))


def painted_elsewhere(editor: Editor, project_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame 2, its region, and the frame with a blue square in it, as another program would
    leave it.
    """
    frame, mask = sent(editor, project_id, "frame"), sent(editor, project_id, "region") > 0
    edited = frame.copy()
    edited[50:72, 48:70] = (20, 40, 230)
    return frame, mask, edited


def tried(editor: Editor, project_id: str, caption: str, **more: object) -> tuple[str, np.ndarray]:
    """A try's id and its picture."""
    basis = TryBasis(**more)  # type: ignore[arg-type]
    (edit_id,) = finish(editor, editor.keyframes.start_tries(project_id, 2, "modify", caption, (4,), QUICK, basis))["edits"]
    return edit_id, read_image(editor.projects.file(project_id, editor.projects.get(project_id).edit(edit_id).image))


def test_a_branch_keeps_a_share_of_its_parents_picture(clip: Path, tmp_path: Path) -> None:
    editor = Editor(Settings(workspace=tmp_path, device="cpu"))
    project_id = masked(editor, clip)
    mask = sent(editor, project_id, "region") > 0
    parent_id, parent = tried(editor, project_id, "a red ball")
    _, alone = tried(editor, project_id, "a blue cube", parent=parent_id)
    _, branch = tried(editor, project_id, "a blue cube", parent=parent_id, keep=0.5)
    far, near = (float(np.abs(picture.astype(int) - parent)[mask].mean()) for picture in (alone, branch))
    assert far > 1.5 * near > 0
    with pytest.raises(InputError, match="same frame"):
        editor.keyframes.start_tries(project_id, 3, "modify", "a red ball", (1,), QUICK, TryBasis(parent_id, 0.5))
    editor.close()


def test_a_tree_is_named_starred_pruned_and_replayed(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    editor.prompts.add_box(project_id, 1, 0, *DISC_BOX)
    finish(editor, editor.tracking.start(project_id))
    parent, _ = tried(editor, project_id, "a red ball")
    branch, picture = tried(editor, project_id, "a blue cube", parent=parent, keep=0.5)
    alone, other = tried(editor, project_id, "a blue cube", parent=parent)
    assert (picture != other).any()
    ids = [parent, branch, alone]
    edits = {edit.edit_id: edit for edit in editor.projects.get(project_id).edits}
    assert [edits[i].parent for i in ids] == [None, ids[0], ids[0]]
    assert [len(edits[i].paintings) for i in ids] == [1, 2, 1]
    assert all(edit.seconds > 0 for edit in edits.values())

    editor.keyframes.rename_try(project_id, ids[1], "keeper")
    editor.keyframes.star_try(project_id, ids[1])
    editor.keyframes.accept(project_id, ids[1])
    deleted = editor.keyframes.delete_try(project_id, ids[0])
    assert [(e.name, e.starred, e.parent) for e in deleted.edits] == [("keeper", True, None), ("", False, None)]
    assert deleted.accepted == ids[1]
    propagation = finish(editor, editor.propagation.start(project_id, settings=SamplingSettings(steps=1)))["propagation"]
    exported = finish(editor, editor.exports.start(project_id, "ffv1", propagation))
    replayed = replay_to_folder(
        editor.engine, editor.projects.file(project_id, exported["recipe"]), tmp_path / "again", JobContext(), anew=True
    )
    with open_clip(editor.projects.file(project_id, exported["file"])) as one, open_clip(tmp_path / "again" / replayed["output"]) as two:
        # the branch was painted anew out of its parent, which the project does not even have any
        # more
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))

    editor.keyframes.delete_try(project_id, ids[1])
    assert editor.projects.get(project_id).accepted is None
    assert editor.results.report(project_id, propagation)["frames"] == FRAMES, "the finished result stays"
    assert len(editor.results.jpeg(project_id, propagation, 2)[0]) > 100
    editor.history.undo(project_id)
    assert editor.projects.get(project_id).accepted == ids[1]
    assert len(editor.keyframes.try_jpeg(project_id, ids[1], 96)) > 100


def test_another_try_on_the_frame_runs_the_denoising_only(editor: Editor, project_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.background.plates import Plates

    looked: list[int] = []
    real = Plates._make
    monkeypatch.setattr(Plates, "_make", lambda self, index: (looked.append(index), real(self, index))[1])
    encoded: list[int] = []
    editor.engine.video_model().pipeline.vae.encoder.register_forward_hook(lambda *_: encoded.append(1))
    for task, caption in (("modify", "a red ball"), ("modify", "a blue cube"), ("delete", ""), ("add", "a green cone")):
        finish(editor, editor.keyframes.start_tries(project_id, 2, task, caption, (1,), QUICK))  # type: ignore[arg-type]
    assert len(looked) == len(set(looked))
    assert len(encoded) == 1
    finish(editor, editor.keyframes.start_tries(project_id, 3, "modify", "a red ball", (1,), QUICK))
    assert len(encoded) == 2


def test_what_is_sent_out_fits_the_frame(editor: Editor, project_id: str) -> None:
    frame, region, edited = painted_elsewhere(editor, project_id)
    assert (frame == editor.pictures.frames.frame(editor.projects.get(project_id), 2)).all()
    assert (region == editor.pictures.masks.region_mask(editor.projects.get(project_id), 2)).all()
    mask = sent(editor, project_id, "mask") > 0  # as it was found: the region is 6 pixels wider
    assert (mask == object_masks()[2]).all()
    assert mask.sum() < region.sum()
    cutout = sent(editor, project_id, "cutout")
    assert (cutout[..., :3] == frame).all()
    assert ((cutout[..., 3] > 0) == mask).all()
    name, data = editor.exchange.send(project_id, 2)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert name == "disc frame 2.zip"
        assert sorted(archive.namelist()) == [f"disc frame 2{part}.png" for part in (" cutout", " mask", " region", "")]
        assert (np.asarray(Image.open(archive.open("disc frame 2.png"))) == frame).all()
    Image.fromarray(edited).save(edit := editor.settings.workspace / "edit.png")
    _, edit_id = editor.exchange.bring_back(project_id, PictureRequest(2, edit, "a blue cube", placement=Placement(limit=False)))
    assert (sent(editor, project_id, "frame", edit_id=edit_id) == edited).all()
    with pytest.raises(InputError, match="outside the clip"):
        editor.exchange.send(project_id, FRAMES)


def test_a_picture_comes_back_from_every_kind_of_file(editor: Editor, project_id: str, tmp_path: Path) -> None:
    frame, mask, edited = painted_elsewhere(editor, project_id)
    square = np.zeros(mask.shape, bool)
    square[54:68, 52:66] = True
    turned = Image.fromarray(np.rot90(edited))
    exif = turned.getexif()
    exif[0x0112] = 6
    deep = cv2.cvtColor(edited, cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    cv2.imwrite(str(tmp_path / "deep.tiff"), deep)
    saved: dict[str, tuple[Image.Image, dict]] = {
        "plain.png": (Image.fromarray(edited), {}),
        "photo.jpg": (Image.fromarray(edited), {"quality": 95}),
        "turned.jpg": (turned, {"quality": 95, "exif": exif}),
        "web.webp": (Image.fromarray(edited), {"quality": 95}),
        "print.tiff": (Image.fromarray(edited), {}),
        "palette.png": (Image.fromarray(edited).convert("P", palette=Image.Palette.ADAPTIVE, colors=256), {}),
        "patch.png": (Image.fromarray(np.dstack([edited, mask.astype(np.uint8) * 255])), {}),
        "double.png": (Image.fromarray(edited).resize((320, 240), Image.Resampling.LANCZOS), {}),
    }
    for name, (image, how) in saved.items():
        image.save(tmp_path / name, **how)
    for name in (*saved, "deep.png", "deep.tiff"):
        _, edit_id = editor.exchange.bring_back(project_id, PictureRequest(2, tmp_path / name, "a blue cube", seed=5))
        edit = editor.projects.get(project_id).edit(edit_id)
        picture = read_image(editor.projects.file(project_id, edit.image))
        assert difference_outside(frame, picture, mask) == 0, name
        assert np.abs(picture[square].astype(int) - (20, 40, 230)).mean() < 12, name
        assert (edit.task, edit.caption, edit.seed, edit.model, edit.name) == ("modify", "a blue cube", 5, "", Path(name).stem)
    assert len(editor.projects.get(project_id).edits) == len(saved) + 2
    assert editor.history.labels(project_id)[0] == "Bring in a picture"


def test_a_picture_that_does_not_fit_says_so(editor: Editor, project_id: str, tmp_path: Path) -> None:
    frame, _, edited = painted_elsewhere(editor, project_id)
    cases = {"moved": np.roll(edited, (4, -3), (1, 0)), "wide": edited[20:100], "other": np.ascontiguousarray(edited[::-1]), "same": frame}
    for name, picture in cases.items():
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    placed = editor.exchange.place_picture(project_id, 2, tmp_path / "moved.png")
    assert (placed.shift, placed.likeness, placed.warning) == ((-4.0, 3.0), "same", "")
    assert Image.open(io.BytesIO(placed.preview)).size == (160, 120)
    Image.fromarray(edited[6:-6, 8:-8]).resize((320, 240), Image.Resampling.BICUBIC).save(tmp_path / "cropped.png")
    placed = editor.exchange.place_picture(project_id, 2, tmp_path / "cropped.png")
    assert placed.scale == pytest.approx(0.9, abs=0.005)
    assert any("Scaled to 90" in line or "Scaled to 89." in line for line in placed.about), placed.about
    with pytest.raises(InputError, match=r"160x80.*160x120"):
        editor.exchange.place_picture(project_id, 2, tmp_path / "wide.png")
    placed = editor.exchange.place_picture(project_id, 2, tmp_path / "wide.png", Placement("fit"))
    assert placed.likeness == "same"
    placed = editor.exchange.place_picture(project_id, 2, tmp_path / "other.png")
    assert placed.likeness == "another"
    assert "frame 2" in placed.warning
    with pytest.raises(InputError, match="no edit"):
        editor.exchange.place_picture(project_id, 2, tmp_path / "same.png")
    (tmp_path / "plain.png").write_bytes((tmp_path / "moved.png").read_bytes()[:3000])
    (tmp_path / "text.jpg").write_text("not a picture")
    for name in ("plain.png", "text.jpg", "absent.png"):
        with pytest.raises(InputError, match=name) as refused:
            editor.exchange.bring_back(project_id, PictureRequest(2, tmp_path / name, "a blue cube"))
        assert "\n" not in str(refused.value)
        assert str(tmp_path) not in str(refused.value)
    with pytest.raises(InputError, match="caption"):
        editor.exchange.bring_back(project_id, PictureRequest(2, tmp_path / "moved.png", " "))
    assert not editor.projects.get(project_id).edits


def test_a_keyframe_from_another_program_is_propagated_and_in_the_recipe(editor: Editor, project_id: str, tmp_path: Path) -> None:
    _, _, edited = painted_elsewhere(editor, project_id)
    Image.fromarray(edited).save(tmp_path / "edit.png")
    _, edit_id = editor.exchange.bring_back(project_id, PictureRequest(2, tmp_path / "edit.png", "a blue cube"))
    (tmp_path / "edit.png").unlink()
    editor.keyframes.accept(project_id, edit_id)
    assert editor.estimates.propagation(project_id, edit_id=edit_id) is None, "nothing is known of this machine yet"
    propagation = finish(editor, editor.propagation.start(project_id, settings=SamplingSettings(steps=1)))["propagation"]
    forecast = editor.estimates.propagation(project_id, edit_id=edit_id)
    assert forecast is None or forecast.seconds > 0
    exported = finish(editor, editor.exports.start(project_id, "ffv1", propagation))
    recipe = editor.projects.file(project_id, exported["recipe"])
    from_it = TryBasis(edit_id, 0.5)
    (branch,) = finish(editor, editor.keyframes.start_tries(project_id, 2, "modify", "a red cube", (1,), QUICK, from_it))["edits"]
    assert [painting.model for painting in editor.projects.get(project_id).edit(branch).paintings] == ["", editor.settings.model]
    editor.keyframes.delete_try(project_id, edit_id)
    replayed = replay_to_folder(editor.engine, recipe, tmp_path / "again", JobContext())
    with open_clip(editor.projects.file(project_id, exported["file"])) as one, open_clip(tmp_path / "again" / replayed["output"]) as two:
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))
    prompted = json.loads(recipe.read_text())
    prompted["edits"][0]["tracks"][0]["prompts"] = [encode(BoxPrompt(0, 1, *DISC_BOX))]
    recipe.write_text(json.dumps(prompted))
    with pytest.raises(InputError, match="not painted by the model"):
        replay_to_folder(editor.engine, recipe, tmp_path / "anew", JobContext(), anew=True)


def test_alpha_says_where_a_picture_was_painted(editor: Editor, project_id: str, tmp_path: Path) -> None:
    frame, _, edited = painted_elsewhere(editor, project_id)
    alpha = np.zeros(frame.shape[:2], np.uint8)
    alpha[50:72, 48:70] = 255
    Image.fromarray(np.dstack([edited, alpha])).save(tmp_path / "layer.png")
    assert read_image_with_alpha(tmp_path / "layer.png")[1].sum() == alpha.sum()
    _, edit_id = editor.exchange.bring_back(
        project_id, PictureRequest(2, tmp_path / "layer.png", "a blue cube", placement=Placement(limit=False))
    )
    assert (read_image(editor.projects.file(project_id, editor.projects.get(project_id).edit(edit_id).image)) == edited).all()
