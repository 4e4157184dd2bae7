"""What a long piece of work has left goes back to the system, from whichever thread."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core.machine import let_device_memory_grow

LEAVE = """
import contextlib, ctypes, threading
from app.commands.cli import main
from core.machine import release_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def work():
    blocks = [libc.malloc(10**6) for _ in range(50)]
    for block in blocks:
        ctypes.memset(block, 1, 10**6)
    together.wait()
    for block in blocks:
        libc.free(block)

with contextlib.redirect_stdout(None), contextlib.suppress(SystemExit):
    main(["--version"])
bytearray(2**25 - 2**16)  # as after work with large blocks: smaller ones come from a heap from now on
before, together = resident(), threading.Barrier(4)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
release_memory()
print((resident() - before) // 10**6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators give back on their own")
def test_no_thread_keeps_what_its_work_has_left() -> None:
    left = subprocess.run([sys.executable, "-c", LEAVE], capture_output=True, text=True, check=True).stdout
    assert int(left) < 20  # of 200 MB


@pytest.mark.skipif(sys.platform != "linux", reason="what grows a GPU's memory is a thing of Linux")
@pytest.mark.parametrize("said", [{}, {"PYTORCH_CUDA_ALLOC_CONF": "backend:native"}, {"PYTORCH_ALLOC_CONF": ""}])
def test_what_a_person_says_of_a_gpus_memory_stays(monkeypatch: pytest.MonkeyPatch, said: dict[str, str]) -> None:
    monkeypatch.setattr(os, "environ", dict(said))
    let_device_memory_grow()
    assert os.environ == (said or {"PYTORCH_ALLOC_CONF": "expandable_segments:True"})


def test_the_most_memory_of_a_process_is_its_own() -> None:
    held = b"x" * 300_000_000
    script = "from core.machine import peak_memory_mb; print(peak_memory_mb())"
    own = float(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert 1 < own < len(held) / 1e6 / 2
