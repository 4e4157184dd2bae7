"""Weights from anybody: what a header says is checked before anything is made of it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from core.errors import InputError
from core.models.tensors import check_package, load_checkpoint, load_tensors


def made_up(header: bytes, data: bytes = bytes(8), length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def entry(end: int) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, end]}}).encode()


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    save_file({"a": torch.arange(6.0), "b": torch.ones(2, 3)}, tmp_path / "w.safetensors", {"format": "pt"})
    check_package(tmp_path)
    assert load_tensors(tmp_path / "w.safetensors")["a"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        made_up(entry(8), length=2**40),
        made_up(entry(8), length=10**9),
        made_up(entry(2**50)),
        made_up(entry(8), data=bytes(4)),
        made_up(b"[" * 50_000),
        made_up(b"{}"),
        made_up(b'{"a": 1}'),
        made_up(b'{"a": {"data_offsets": [0, Infinity]}}'),
        made_up(b"\xff\xfe"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SafetensorError, match="header"):
        load_tensors(tmp_path / "w.safetensors")
    with pytest.raises(SafetensorError):
        check_package(tmp_path)


class Program:
    """What a pickle does when it is read."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (Path("was-run"),))


def test_a_pickle_that_is_more_than_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": {"a": torch.ones(2)}}, "weights.pt")
    assert load_checkpoint(Path("weights.pt"))["model"]["a"].tolist() == [1, 1]
    save_file({"a": torch.ones(2)}, "weights.safetensors")
    assert load_checkpoint(Path("weights.safetensors"))["a"].tolist() == [1, 1]
    torch.save({"model": {"a": torch.ones(2)}, "more": Program()}, "program.pt")
    Path("old.pth").write_bytes(pickle.dumps(Program(), 2))
    for name in ("program.pt", "old.pth"):
        with pytest.raises(InputError, match=rf"'{name}' is a pickle that holds more than weights.* get the weights as safetensors"):
            load_checkpoint(Path(name))
    assert not Path("was-run").exists()
    package = tmp_path / "package" / "transformer"
    package.mkdir(parents=True)
    (package / "model.bin").write_bytes(b"")
    with pytest.raises(SafetensorError, match=r"a pickle, model\.bin, which may hold a program; get them as safetensors"):
        check_package(package.parent)
