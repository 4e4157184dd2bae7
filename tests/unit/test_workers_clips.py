"""Clips that are sent to a worker on a machine that shares no folder with the one that asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import disc_clip, noise_frames

from app.workers import clips as sent
from app.workers.clips import ClipStore, sent_clip, SentFile
from core.errors import InputError
from core.geometry import FrameRange
from core.masks import MaskSequence
from core.media import ClipReader, open_clip, write_image
from core.propagation.result import EditedWindow
from core.propagation.stack import AppliedEdit, StackedReader


def frames(reader: ClipReader) -> np.ndarray:
    with reader:
        return np.stack(list(reader.frames()))


def elsewhere(store: ClipStore, files: list[SentFile], folder: Path) -> None:
    """Send what is missing, then take the sender's own files away."""
    files_by_hash = {file.sha256: file for file in files}
    hidden = folder.rename(folder.with_name("hidden"))
    for sha256 in store.missing(files):
        file = files_by_hash[sha256]
        data = (hidden / file.path.relative_to(folder)).read_bytes()
        pieces = [data[at : at + sent.PIECE] for at in range(0, len(data), sent.PIECE)]
        for number, piece in enumerate(pieces):
            store.receive(sha256, piece, number == 0, number == len(pieces) - 1)
    assert store.missing(files) == []


def test_a_clip_with_a_result_on_it_is_read_the_same_from_its_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "PIECE", 1000)
    folder = (tmp_path / "clip").resolve()
    folder.mkdir()
    video = disc_clip(folder / "disc.mp4", frames=6)
    mask = np.zeros((120, 160), bool)
    mask[20:40, 30:60] = True
    region = MaskSequence((160, 120), 0, [mask] * 6)
    window = EditedWindow.of((1, 2), noise_frames(2, 120, 160), region)
    window.save(folder / "window.npz")
    keyframe = noise_frames(1, 120, 160, seed=1)[0]
    edit = AppliedEdit(FrameRange(0, 6), region, ((1, 3, folder / "window.npz"),), {0: lambda: keyframe})
    reader = StackedReader(open_clip(video), [edit])
    wanted, clip = frames(reader), sent_clip(reader)
    store = ClipStore(tmp_path / "store")
    assert store.missing(clip.all_files) == []  # a folder that both see is used where it is
    np.testing.assert_array_equal(frames(store.open(clip)), wanted)
    elsewhere(store, clip.all_files, folder)
    np.testing.assert_array_equal(frames(store.open(clip)), wanted)


def test_a_folder_of_images_keeps_its_names_and_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    folder = (tmp_path / "shot").resolve()
    folder.mkdir()
    for number, picture in enumerate(noise_frames(3, 24, 32)):
        write_image(folder / f"a_{number + 7:03d}.png", picture)
    reader = open_clip(folder)
    wanted, clip = frames(reader), sent_clip(reader)
    store = ClipStore(tmp_path / "store")
    elsewhere(store, clip.all_files, folder)
    found = store.open(clip)
    np.testing.assert_array_equal(frames(found), wanted)
    assert found.info == reader.info
    with pytest.raises(InputError, match="changed while it was sent"):
        store.receive("0" * 64, b"other", True, True)
