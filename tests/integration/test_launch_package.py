"""`pip install .` gives a program that works from anywhere, without the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from builders import DISC_BOX, disc_clip
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a fresh environment that the program was installed into.

    Its dependencies are those of the environment that the tests run in, so nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    for name in ("app", "core", "ui_components", "assets"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    environment = folder / "venv"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    find = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    command = [str(python), "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(source)
    return python.parent


def run(bin_folder: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(bin_folder / "vivid-studio"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_it_says_its_version_and_its_commands(bin_folder: Path, tmp_path: Path) -> None:
    version = run(bin_folder, tmp_path, "--version").stdout.split()[-1]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    told = run(bin_folder, tmp_path, "--help").stdout
    assert "usage: vivid-studio" in told
    assert "launch.py" not in told
    wrong = run(bin_folder, tmp_path, "track")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "(see: vivid-studio track --help)" in wrong.stderr


def test_it_tracks_and_edits_with_the_models_that_ship(bin_folder: Path, tmp_path: Path) -> None:
    clip, box = disc_clip(tmp_path / "disc.mp4", frames=3), ",".join(map(str, DISC_BOX))
    tracked = run(bin_folder, tmp_path, "track", "disc.mp4", "--out", "tracked", "--box", box)
    assert tracked.returncode == 0, tracked.stderr
    assert Image.open(tmp_path / "tracked" / "masks" / "00002.png").getbbox() is not None
    edited = run(bin_folder, tmp_path, "edit", clip, "--out", "edited", "--masks", "tracked/masks", "--task", "delete", "--steps", 1)
    assert edited.returncode == 0, edited.stderr
    assert (tmp_path / "edited" / "output.mp4").stat().st_size > 0
    listed = run(bin_folder, tmp_path, "models").stdout.splitlines()
    assert {line.split()[0] for line in listed if " here " in line} >= {"embedded", "vivid-small"}
