"""What a run leaves on the disk: checkpoints that a full disk can't spoil, curves, TensorBoard's event file, the picture of the loss."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.errors import InputError, StorageError
from core.training.common.checkpoint import load_checkpoint, save_checkpoint
from core.training.common.curves import Curves, EventFile, masked_crc


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
    with pytest.raises(InputError, match="no checkpoint of a training run"):
        load_checkpoint(path)


def _events(path: Path) -> list[bytes]:
    """The records of an event file, checked as TensorFlow's format says."""
    data, records = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12])[0] == masked_crc(data[:8])
        record = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked_crc(record)
        records.append(record)
        data = data[16 + length :]
    return records


def test_the_checksum_is_crc_32c() -> None:
    # The check value of CRC-32C for "123456789" is 0xE3069283 (RFC 3720); masked: turned right by 15, plus 0xA282EAD8.
    crc = 0xE3069283
    assert masked_crc(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def test_an_event_file_holds_what_was_written(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.scalars(300, {"video/loss": 0.25})
    first, second = _events(file.path)
    assert first.endswith(b"\x1a\x0dbrain.Event:2")
    value = b"\x0a\x0avideo/loss\x15" + struct.pack("<f", 0.25)  # tag is field 1, simple_value is field 2
    assert second.endswith(b"\x10\xac\x02\x2a" + bytes([len(value) + 2, 0x0A, len(value)]) + value)


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
    assert len(_events(curves.events.path)) == 21
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


def test_curves_on_a_full_disk(tmp_path: Path) -> None:
    curves = Curves(tmp_path, "some")
    curves.add({"step": 1, "kind": "image", "loss": 1.0})
    with disk_of(30), pytest.raises(StorageError, match="the curve can't be written"):
        curves.add({"step": 2, "kind": "image", "loss": 1.0})
