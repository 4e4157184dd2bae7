"""The Debian packages that pictures come from, their licences, and how they are fetched and
unpacked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from core.errors import InputError, StorageError


class Package(NamedTuple):
    """A package: what is taken from it, and under which licences, as its file
    /usr/share/doc/NAME/copyright says for those parts.
    """

    name: str
    kind: str
    licence: str


PACKAGES = (
    Package("plasma-workspace-wallpapers", "bg", "GPL-2+"),
    Package("mate-backgrounds", "bg", "GPL-2+, CC-BY-SA-4.0"),
    Package("ukui-wallpapers", "bg", "CC-BY-SA-3.0"),
    Package("lomiri-wallpapers-16.04", "bg", "CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0"),
    Package("lomiri-wallpapers-20.04", "bg", "CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0, CC0-1.0"),
    Package("palapeli-data", "bg", "GPL-2+, LGPL-2+, GFDL-1.2+, CC0"),
    Package("opencv-doc", "bg", "Apache-2.0, BSD-3-Clause, BSD-2-Clause"),
    Package("stellarium-data", "bg", "GPL-2+"),
    Package("gcompris-qt-data", "bg", "CC-BY, CC-BY-SA, CC0-1.0, GPL-3+, GFDL-1.2+, public domain"),
    Package("python3-skimage", "bg", "BSD-3-Clause"),
    Package("tuxpaint-stamps-default", "cut", "GPL-2"),
    Package("fonts-noto-color-emoji", "emoji", "OFL-1.1, Apache-2.0"),
    Package("torcs-data", "turn", "GPL-2+, Free Art License, GFDL-1.2"),
    Package("trigger-rally-data", "turn", "GPL-2+, CC0, CC-BY-3.0, CC-BY-SA-3.0"),
    Package("flightgear-data-models", "turn", "GPL-2+"),
    Package("megaglest-data", "turn", "CC-BY-SA-3.0, GPL-2+"),
)


def fetch(folder: Path) -> dict[str, str]:
    """Fetch all packages with apt-get and unpack each in `folder`/NAME; returns their versions.

    Those that are there are kept.

    InputError where there is no apt-get, StorageError when a package can't be had or unpacked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    versions = {}
    for package in PACKAGES:
        try:
            if not any(folder.glob(f"{package.name}_*.deb")):
                subprocess.run(["apt-get", "download", package.name], cwd=folder, check=True, capture_output=True, text=True)
            archive = next(folder.glob(f"{package.name}_*.deb"))
            if not (folder / package.name).exists():
                subprocess.run(["dpkg", "-x", archive, folder / package.name], check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise InputError(f"{error.filename} is needed to fetch the packages: do it on Debian, or in a container of it") from error
        except (subprocess.CalledProcessError, StopIteration) as error:
            said = getattr(error, "stderr", "") or ""
            raise StorageError(f"{package.name} can't be fetched or unpacked: {said.strip()[-300:]}") from error
        versions[package.name] = archive.name.split("_")[1].replace("%3a", ":")
    return versions
