"""Files appear only when they are complete, and the disk's refusals are one plain sentence."""

import errno
from pathlib import Path

import pytest

from core.errors import StorageError
from core.files import atomic_path, atomic_pictures, remove_leftovers, storage_error, Sync, write_bytes, write_text


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "result"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text(f"half {1 / 0}")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result", "old")]


@pytest.mark.parametrize("sync", ["none", "disk"])
def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path, sync: Sync) -> None:
    write_bytes(tmp_path / "new" / "result", b"one", sync=sync)
    write_text(tmp_path / "new" / "result", "zwölf\n", sync=sync)
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [("result", "zwölf\n".encode())]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"then go on$"):
        write_bytes(tmp_path / "file" / "below", b"x", then="go on")


def test_a_full_disk_is_named() -> None:
    refused = [storage_error(Path("a"), OSError(number, "reason")) for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES)]
    assert ["the disk is full" in str(one) for one in refused] == [True, True, False]
    assert "(reason)" in str(refused[2])


def test_what_a_killed_program_left_is_removed(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "one") as temporary:
        temporary.write_text("x")
        temporary.with_name(".one.00000000.part").write_text("half")
        temporary.with_name(".other.00000000.part").write_text("half")
    remove_leftovers(tmp_path / "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.00000000.part", "one"]


def test_numbered_pictures_are_replaced_together(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    for count in (3, 2):
        with atomic_pictures(folder) as drafts:
            for number in range(count):
                (drafts / f"{number:05d}.png").write_text(f"{count}")
        (folder / "notes.png").write_text("a person's own")
    with pytest.raises(ZeroDivisionError), atomic_pictures(folder) as drafts:
        (drafts / "00000.png").write_text(f"half {1 / 0}")
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert contents == {"00000.png": "2", "00001.png": "2", "notes.png": "a person's own"}
    assert list(tmp_path.iterdir()) == [folder]
