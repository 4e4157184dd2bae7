"""Weights are found where a person put them, and a missing model says what to do."""

import hashlib
import os
from pathlib import Path

import pytest

from app.contract.error_text import error_text
from core import file_facts
from core.errors import DeviceMissingError, InputError, ModelMissingError
from core.models import entry, MODELS, ModelStore, names
from core.models import fingerprint as fingerprints
from core.models.device import choose_device
from core.models.record import HubFile, read_record, Record


def test_names_lists_the_shipped_model_first() -> None:
    assert names("segmenter")[0] == "embedded"
    assert {"tiny", "small", "base-plus", "large"} < set(names("segmenter"))
    assert names("video")[0] == "vivid-small"


def test_unknown_name_lists_the_known_ones_of_its_kind() -> None:
    with pytest.raises(InputError, match=r"'huge'.*embedded, tiny, small, base-plus, large"):
        entry("huge", "segmenter")
    with pytest.raises(InputError, match="vivid-small"):
        ModelStore().locate("tiny", "video")


def test_shipped_folder_is_found_in_the_assets(tmp_path: Path) -> None:
    package = tmp_path / "assets" / "sam2-small"
    package.mkdir(parents=True)
    store = ModelStore(tmp_path / "store", tmp_path / "assets")
    with pytest.raises(ModelMissingError, match="part of the program"):
        store.locate("embedded", "segmenter")  # an empty folder is no model
    (package / "config.json").write_text("{}")
    assert store.locate("embedded", "segmenter") == package


@pytest.mark.parametrize("place", ["tiny/sam2.1_hiera_tiny.pt", "sam2.1_hiera_tiny.pt"])
def test_checkpoint_in_the_store_is_found_by_its_hub_file_name(tmp_path: Path, place: str) -> None:
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"weights")
    assert ModelStore(tmp_path).locate("tiny", "segmenter") == file
    assert ModelStore(tmp_path).available("tiny", "segmenter")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    checkpoint = tmp_path / "mine.pt"
    with pytest.raises(InputError, match="no checkpoint at"):
        ModelStore().locate(str(checkpoint), "segmenter")
    checkpoint.write_bytes(b"weights")
    assert ModelStore().locate(str(checkpoint), "segmenter") == checkpoint


@pytest.mark.parametrize("name", ["", "x" * 300, "/x" * 3000, "~nobody-of-that-name/model.pt", "a\0b"])
def test_what_can_be_no_path_is_an_unknown_name(name: str) -> None:
    with pytest.raises(InputError, match="unknown segmenter model"):
        ModelStore().locate(name, "segmenter")


def test_missing_weights_say_what_to_fetch_and_how_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    store = ModelStore(tmp_path / "models")
    with pytest.raises(ModelMissingError) as caught:
        store.locate("large", "segmenter")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("facebook/sam2.1-hiera-large", "sam2.1_hiera_large.pt", "898 MB", str(tmp_path / "models" / "large")):
        assert part in message
    assert (caught.value.fetchable, caught.value.repository, caught.value.download_mb) == ("large", "facebook/sam2.1-hiera-large", 898)
    assert "`launch.py models fetch large`" in error_text(caught.value)
    with pytest.raises(ModelMissingError) as needed:
        store.locate("bert-base-uncased", "part")
    assert needed.value.fetchable == "grounding-dino", "which brings what it needs"
    assert not store.available("large", "segmenter")


def test_every_entry_can_be_got_from_somewhere() -> None:
    for model in MODELS.values():
        assert model.ships or model.repository, model.name
        assert model.licence, model.name


def test_a_device_that_is_not_there_is_named_with_another_to_choose() -> None:
    with pytest.raises(DeviceMissingError, match=r"no device 'cuda:99' \(") as caught:
        choose_device("cuda:99")
    assert error_text(caught.value).endswith("such as --device cpu")
    with pytest.raises(InputError, match="unknown device"):
        choose_device("gpu")


def test_a_record_that_names_files_of_other_folders_is_none(tmp_path: Path) -> None:
    for name, whole in (("weights.safetensors", True), ("../mine.txt", False), (str(tmp_path / "mine.txt"), False)):
        record = Record("owner/name", "main", "Apache-2.0", "2026-11-30", {name: HubFile(1, "0", False)})
        record.write(tmp_path)
        assert (read_record(tmp_path) == record) is whole


def test_the_hash_of_large_weights_is_kept_until_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = tmp_path / "model", []
    folder.mkdir()
    for name, size in (("large.safetensors", 1_000_000), ("small.json", 10)):
        (folder / name).write_bytes(b"a" * size)
    large = folder / "large.safetensors"
    monkeypatch.setattr(file_facts, "_folder", tmp_path / "facts")
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, kind: (read.append(Path(file.name).name), digest(file, kind))[1])

    def found() -> tuple[str, list[str]]:
        fingerprints._fingerprint.cache_clear()  # as after a restart
        read.clear()
        return fingerprints.fingerprint(folder), sorted(read)

    first, both = found()
    assert both == ["large.safetensors", "small.json"]
    assert found() == (first, ["small.json"])
    before = large.stat()
    with large.open("r+b") as file:
        file.write(b"b")
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed, again = found()
    assert changed != first, "though its size and the time of its change are the old ones"
    assert again == both
    twin = tmp_path / "twin"
    twin.write_bytes(b"a" * 1_000_000)
    os.utime(twin, ns=(before.st_atime_ns, before.st_mtime_ns))
    twin.replace(large)
    assert found() == (first, both)
    next((tmp_path / "facts").glob("*")).write_bytes(b"damaged")
    assert found()[0] == first
