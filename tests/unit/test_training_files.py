"""What a run leaves on the disk: checkpoints that a full disk can't spoil, curves as table, picture
and TensorBoard's events.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.errors import InputError, StorageError
from core.training.common.checkpoint import load_checkpoint, save_checkpoint
from core.training.common.curves import Curves


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Files can't grow beyond `size` bytes: a write fails as it does on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, {"step": 1, "weights": torch.ones(1000)})
    with (
        disk_of(100_000),
        pytest.raises(StorageError, match=r"checkpoint\.pt' could not be written.*what was there before is untouched; .* resume=true"),
    ):
        save_checkpoint(path, {"step": 2, "weights": torch.zeros(1_000_000)})
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.pt"]
    state = load_checkpoint(path)
    assert state["step"] == 1
    assert torch.equal(state["weights"], torch.ones(1000))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"weights": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"checkpoint\.pt can't be read"):
        load_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(InputError, match="not a checkpoint of a training run"):
        load_checkpoint(path)


def _scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard itself reads from a run's folder."""
    reader = EventAccumulator(str(folder))
    reader.Reload()
    return [(event.step, event.value) for event in reader.Scalars(tag)]


def test_curves_are_table_events_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curves = Curves(tmp_path, "some")
    for step in range(1, 21):
        kind = "video" if step % 5 == 0 else "image"
        curves.add({"step": step, "kind": kind, "loss": 2 / step + (kind == "video"), "seconds": 1.5})
    curves.draw()
    with (tmp_path / "curve-some.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 21)]
    assert float(rows[2]["loss"]) == pytest.approx(2 / 3, rel=1e-5)
    assert _scalars(tmp_path, "some/image/loss") == [(step, pytest.approx(2 / step)) for step in range(1, 21) if step % 5]
    assert [step for step, _ in _scalars(tmp_path, "some/video/seconds")] == [5, 10, 15, 20]
    picture = np.asarray(Image.open(tmp_path / "curve-some.png"))
    drawn = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert {(33, 102, 172), (217, 95, 2)} <= drawn, "a line a kind"
    assert "step=20 kind=video" in capsys.readouterr().out

    # A run that goes on from step 15 repeats the rows after it.
    again = Curves(tmp_path, "some", first_step=16)
    again.add({"step": 16, "kind": "image", "loss": 9.0, "seconds": 2.0})
    with (tmp_path / "curve-some.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows][-2:] == ["15", "16"]
    assert rows[-1]["loss"] == "9"
    assert [step for step, _ in _scalars(tmp_path, "some/image/loss")][-3:] == [13, 14, 16]


def test_a_table_of_an_earlier_version_keeps_its_order_of_columns(tmp_path: Path) -> None:
    (tmp_path / "curve-some.csv").write_text("step,kind,loss,seconds\n1,image,2,0.5\n2,image,3,0.9\n", newline="")
    Curves(tmp_path, "some", first_step=2).add({"step": 2, "seconds": 1.5, "kind": "image", "loss": 4.0})
    assert (tmp_path / "curve-some.csv").read_text().splitlines() == ["step,kind,loss,seconds", "1,image,2,0.5", "2,image,4,1.5"]


def test_without_tensorboard_there_are_table_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    curves = Curves(tmp_path, "some")
    curves.add({"step": 1, "kind": "image", "loss": 1.0})
    curves.add({"step": 2, "kind": "image", "loss": 0.5})
    curves.draw()
    assert {path.name for path in tmp_path.iterdir()} == {"curve-some.csv", "curve-some.png"}
    assert capsys.readouterr().out.count("TensorBoard is not installed: the curve is written as a table and a picture only") == 1


def test_curves_on_a_full_disk(tmp_path: Path) -> None:
    curves = Curves(tmp_path, "some")
    curves.add({"step": 1, "kind": "image", "loss": 1.0})
    with disk_of(30), pytest.raises(StorageError, match="the curve can't be written"):
        curves.add({"step": 2, "kind": "image", "loss": 1.0})
