"""Setting up from nothing, going on after an interruption, starting again: real environments and
real pip, on tiny packages made here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LAUNCH = REPOSITORY / "launch.py"
INSTALL_STEP = "PyTorch"

# Stands where app/commands/cli.py stands: says what it was given and what is installed, then does
# as told.
PROGRAM = """
import importlib.metadata, json, os, sys, time

def main(arguments):
    installed = {d.name: d.version for d in importlib.metadata.distributions()}
    if "tiny" in installed:
        import tiny
    print(json.dumps({"arguments": arguments, "cwd": os.getcwd(), "installed": installed}), flush=True)
    if arguments[0] == "sleep":
        time.sleep(60)
    return int(arguments[-1]) if arguments[-1].isdigit() else 0
"""
PYTEST = "import sys\nprint('pytest got', sys.argv[1:])\nsys.exit(3)\n"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ensurepip") is None, reason="this Python can't make environments")


def make_wheel(folder: Path, name: str, version: str, requires: str = "", main: str = "") -> str:
    """Writes a pure Python wheel into a folder and returns its pin, hash included."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": "",
        f"{module}/__main__.py": main,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


class Checkout:
    """A checkout of a tiny program with launch.py and app/bootstrap as they are, beside the folders
    that its packages come from.
    """

    def __init__(self, root: Path, wheels: Path) -> None:
        self.root, self.wheels = root, wheels
        self.venv, self.stamp, self.log = root / ".venv", root / ".venv" / "vivid-setup.json", root / ".venv-setup" / "setup.log"

    def pin(self, part: str, text: str) -> None:
        (self.root / "requirements" / f"{part}.txt").write_text(text)

    def environment(self, *sources: str) -> dict[str, str]:
        path = [folder for folder in os.environ["PATH"].split(os.pathsep) if not shutil.which("uv", path=folder)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
        links = " ".join(str(self.wheels / source) for source in sources)
        return {**kept, "PATH": os.pathsep.join(path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_CONFIG_FILE": os.devnull}

    def popen(self, *arguments: str, sources: tuple[str, ...] = ("index", "cpu"), cwd: Path | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.root / "launch.py"), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        return subprocess.Popen(command, env=self.environment(*sources), cwd=cwd or self.root, **pipes)  # type: ignore[call-overload]

    def start(
        self, *arguments: str, sources: tuple[str, ...] = ("index", "cpu"), cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = self.popen(*arguments, sources=sources, cwd=cwd)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def installed(self, *sources: str) -> dict[str, str]:
        """What the program sees installed, from a start that succeeds."""
        done = self.start("track", sources=sources or ("index", "cpu"))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["installed"]

    def cut_off(self) -> None:
        """Leaves the environment as an interruption does: PyTorch not there, a package partly
        written, nothing signed off.
        """
        self.stamp.unlink()
        (packages,) = self.venv.glob("[Ll]ib/**/site-packages")
        for gone in packages.glob("torch*"):
            shutil.rmtree(gone)
        shutil.rmtree(packages / "tiny")
        (packages / "tiny-1.0.dist-info" / "INSTALLER").unlink()


def interrupted(checkout: Checkout, blow: signal.Signals) -> subprocess.Popen[str]:
    """A start struck in the middle of its set-up, launcher and installer alike, as by Ctrl-C in a
    terminal or a power cut.
    """
    process = checkout.popen("track")
    assert process.stderr is not None
    while INSTALL_STEP not in process.stderr.readline():
        assert process.poll() is None
    os.killpg(process.pid, blow)
    return process


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, subprocess.CompletedProcess[str]]:
    """A checkout after its first start, and what that start printed.

    A broken environment, as a crash leaves one, was there.
    """
    root, wheels = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheels")
    (root / "requirements").mkdir()
    (root / "app").mkdir()
    (root / "app" / "__init__.py").touch()
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").touch()
    (root / "app" / "commands").mkdir()
    (root / "app" / "commands" / "__init__.py").touch()
    (root / "app" / "commands" / "cli.py").write_text(PROGRAM)
    shutil.copy(LAUNCH, root)
    shutil.copytree(REPOSITORY / "app" / "bootstrap", root / "app" / "bootstrap", ignore=shutil.ignore_patterns("__pycache__"))
    checkout = Checkout(root, wheels)
    checkout.pin("build", make_wheel(wheels / "index", "builder", "1.0"))
    checkout.pin("torch", make_wheel(wheels / "index", "torch", "1.0", requires='nvidia-tiny==1.0; python_version > "3"'))
    checkout.pin("torch-cpu", make_wheel(wheels / "cpu", "torch", "1.0+cpu"))
    checkout.pin("cuda", make_wheel(wheels / "index", "nvidia-tiny", "1.0"))
    checkout.pin("main", make_wheel(wheels / "index", "tiny", "1.0"))
    checkout.pin("data", make_wheel(wheels / "index", "rays", "1.0"))
    checkout.pin("test", make_wheel(wheels / "index", "pytest", "1.0", main=PYTEST))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    return checkout, checkout.start("track", "a clip.mp4", "--point", "3,4", "7", cwd=elsewhere)


@pytest.fixture
def checkout(original: tuple[Checkout, subprocess.CompletedProcess[str]], tmp_path: Path) -> Checkout:
    """A checkout of one's own that is set up already."""
    shutil.copytree(original[0].root, tmp_path / "checkout", symlinks=True)
    return Checkout(tmp_path / "checkout", original[0].wheels)


def test_the_first_start_installs_what_is_pinned_and_hands_over(original: tuple[Checkout, subprocess.CompletedProcess[str]]) -> None:
    checkout, first = original
    said = json.loads(first.stdout)
    assert first.returncode == 7, first.stderr
    assert said["arguments"] == ["track", "a clip.mp4", "--point", "3,4", "7"]
    assert Path(said["cwd"]).name.startswith("elsewhere")  # paths that the person typed still mean what they meant
    assert said["installed"].items() >= {"builder": "1.0", "torch": "1.0+cpu", "tiny": "1.0"}.items()
    assert "nvidia-tiny" not in said["installed"]
    assert "pytest" not in said["installed"]
    assert "some minutes" in first.stderr
    assert "PyTorch" in first.stderr
    assert checkout.log.stat().st_size > 0


def test_a_second_start_does_no_work(checkout: Checkout) -> None:
    before = (checkout.stamp.stat().st_mtime_ns, checkout.log.read_bytes())
    again = checkout.start("--port", "8000", sources=())
    assert again.stderr == ""
    assert json.loads(again.stdout)["arguments"] == ["ui", "--port", "8000"]  # the editor is what opens by default
    assert (checkout.stamp.stat().st_mtime_ns, checkout.log.read_bytes()) == before


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_a_killed_set_up_goes_on_at_the_next_start(checkout: Checkout) -> None:
    checkout.cut_off()
    process = interrupted(checkout, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not checkout.stamp.exists()
    # Without the CPU build on offer the index's goes in, and the CUDA libraries that it wants.
    assert checkout.installed("index").items() >= {"torch": "1.0", "nvidia-tiny": "1.0", "tiny": "1.0"}.items()
    assert checkout.stamp.exists()


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_ctrl_c_stops_a_set_up_and_starts_at_the_same_time_finish_it_once(checkout: Checkout) -> None:
    checkout.cut_off()
    process = interrupted(checkout, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "Stopped. The next start goes on from here."
    assert "Traceback" not in err

    logged = checkout.log.stat().st_size
    import fcntl

    with (checkout.log.parent / "lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as a third start that is at work
        starts = [checkout.popen("track", str(code)) for code in (5, 6)]
        assert all("waiting" in start.stderr.readline() for start in starts)
    ends = [start.communicate(timeout=120) for start in starts]
    assert [start.returncode for start in starts] == [5, 6], ends
    assert checkout.log.read_bytes()[logged:].count(b"requirements/main.txt\n") == 1


def test_changed_pins_are_installed_and_a_wrong_hash_is_refused_in_one_line(checkout: Checkout) -> None:
    pin = make_wheel(checkout.wheels / "index", "tiny", "2.0")
    checkout.pin("main", pin[:-9] + "00000000\n")
    failed = checkout.start("track")
    assert failed.returncode == 1
    assert failed.stdout == ""
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("Set-up failed at 'everything else the program needs'")
    assert last.endswith(str(checkout.log))
    checkout.pin("main", pin)
    assert checkout.installed()["tiny"] == "2.0"


def test_the_test_command_adds_its_requirements_and_passes_pytest_through(checkout: Checkout) -> None:
    done = checkout.start("test", "-k", "masks")
    assert done.returncode == 3
    assert done.stdout == "pytest got ['-k', 'masks']\n"
    assert "rays" in checkout.installed()  # data sets are built on Ray in the tests
    done = checkout.start("test")
    assert done.returncode == 1
    *said, last = done.stdout.splitlines()
    checks = ["ruff check", "ruff format", "mypy", "import-linter", "advisories", "structure"]
    assert [line for line in said if line.startswith("==")] == [f"== {name}" for name in checks]
    assert last.startswith(f"Failed: {', '.join(checks)}. The tests did not run;")  # none of them is installed here


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_ctrl_c_reaches_the_program_and_its_exit_code_comes_back(checkout: Checkout) -> None:
    process = checkout.popen("sleep")
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="process groups and their signals are POSIX")
def test_a_launcher_that_waits_leaves_ctrl_c_to_the_program() -> None:
    """Where a process can't replace itself (Windows), launch.py waits: Ctrl-C must not make it
    leave before the program has.
    """
    child = "import sys, time\ntry: print('up', flush=True); time.sleep(60)\nexcept KeyboardInterrupt: time.sleep(.2); sys.exit(42)"
    script = "import sys; sys.path.insert(0, sys.argv[1]); import launch; sys.exit(launch.run_child([sys.executable, '-c', sys.argv[2]]))"
    command = [sys.executable, "-c", script, str(REPOSITORY), child]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 42


def test_an_old_python_gets_one_sentence() -> None:
    script = "import runpy, sys; sys.version_info = (3, 9, 18, 'final', 0); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script, str(LAUNCH)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "VIVID Studio needs Python 3.11 or newer, and this is 3.9: start launch.py with a newer one.\n"
    ast.parse(LAUNCH.read_text(encoding="utf-8"), feature_version=(3, 7))  # what an older Python can't parse, it can't refuse politely
