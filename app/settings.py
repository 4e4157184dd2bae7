"""Settings: flags over environment over defaults."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from core.errors import InputError
from core.vivid.speed.levers import parse_levers


def default_workspace() -> Path:
    """The folder for projects and models: in XDG_DATA_HOME on Linux, Application Support on macOS,
    LOCALAPPDATA on Windows.
    """
    return _user_data() / ("VIVID Studio" if sys.platform in ("darwin", "win32") else "vivid-studio")


def _user_data() -> Path:
    """The platform's folder for a user's data, where people's projects have always been."""
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local)  # platformdirs asks the shell, which a changed variable does not reach
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"  # platformdirs prefers XDG_DATA_HOME, where there is one
    return user_data_path()


@dataclass(frozen=True)
class Settings:
    """What the program needs to know before it does anything.

    `device` is auto, cpu, cuda, cuda:N or mps; `memory` is auto, all, parts or layers (see
    `core.vivid.memory`); `speed` is auto, a preset or levers (see `core.vivid.speed`). `names` are
    those that the server is reached by besides its machine's own.
    `token` lets people in: one is made at each start where it is None, and none is asked for where
    it is empty. `max_upload` is in 10^9 bytes. An empty `keyframe_model` lets the video model paint
    keyframes. `workers` names where models work (see `app.workers`); empty for this process.
    """

    workspace: Path = field(default_factory=default_workspace)
    device: str = "auto"
    memory: str = "auto"
    speed: str = "auto"
    host: str = "127.0.0.1"
    port: int = 7860
    names: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)
    password_file: Path | None = None
    max_upload: int = 50
    open_browser: bool = True
    segmenter: str = "embedded"
    model: str = "vivid-small"
    keyframe_model: str = ""
    workers: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InputError(f"port {self.port} is outside 0 to 65535: try 7860")
        if not 1 <= self.max_upload <= 100_000:
            raise InputError(f"uploads of at most {self.max_upload} GB can't be: give a number from 1 to 100000, like 50")
        if self.token and not re.fullmatch(r"[\w.~-]{16,200}", self.token, re.ASCII):
            raise InputError("the token (VIVID_TOKEN) has to be 16 to 200 letters, digits or any of - . _ ~")
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise InputError(f"unknown device '{self.device}' (known: auto, cpu, cuda, cuda:N, mps)")
        if not re.fullmatch(r"auto|all|parts|layers", self.memory):
            raise InputError(f"unknown use of memory '{self.memory}' (known: auto, all, parts, layers)")
        if self.workers and not re.fullmatch(r"auto|local:[1-9]\d?|(ray://)?(?!local:)[^/:\s]+:\d{1,5}", self.workers):
            raise InputError(
                f"'{self.workers}' names no workers: write local:2 for two on this machine, ray://HOST:PORT or HOST:PORT for those of "
                "a Ray cluster, or auto for the cluster that this machine is part of"
            )
        if self.speed != "auto":
            parse_levers(self.speed)
        try:
            self.workspace.exists()
        except (OSError, ValueError) as error:
            raise InputError(
                f"the workspace can't be where it is set ({getattr(error, 'strerror', None) or error}): "
                "choose a folder that you can write to with --workspace"
            ) from None

    @classmethod
    def from_environment(cls) -> Settings:
        """Defaults, replaced by VIVID_WORKSPACE, _DEVICE, _MEMORY, _SPEED, _HOST, _PORT,
        _SEGMENTER, _MODEL, _KEYFRAME_MODEL, _WORKERS and _TOKEN where they are set.
        """
        names = ("workspace", "device", "memory", "speed", "host", "port", "segmenter", "model", "keyframe_model", "workers", "token")
        texts = {name: os.environ.get(f"VIVID_{name.upper()}") for name in names}
        given: dict[str, str] = {name: text for name, text in texts.items() if text}
        port, workspace = given.pop("port", None), given.pop("workspace", None)
        if port is not None and not (port.isdecimal() and len(port) < 10):
            raise InputError(f"VIVID_PORT is '{port}': it has to be a number from 0 to 65535")
        numbers: dict[str, int] = {"port": int(port)} if port else {}
        folders: dict[str, Path] = {"workspace": Path(workspace)} if workspace else {}
        return cls(**folders, **numbers, **given)  # type: ignore[arg-type]

    @property
    def models_root(self) -> Path:
        """Where downloaded weights live."""
        return self.workspace / "models"

    @property
    def facts_root(self) -> Path:
        """Where it is kept what took long to find out about videos."""
        return self.workspace / "facts"
