"""What the machine says about its memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import shutil
import sys
from pathlib import Path

_LARGEST_BLOCK = 2**25 - 2**16  # bytes: the most that glibc learns from, less what it adds
_M_ARENA_MAX = -8  # of glibc's malloc.h


def peak_memory_mb() -> float:
    """The most memory this process has held, in 10^6 bytes."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    # Linux: what getrusage says begins with the peak of the program that started this one.
    with contextlib.suppress(OSError, ValueError), Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith("VmHWM:"))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def free_memory() -> int:
    """Bytes of the host's memory that a program could still take."""
    import psutil

    return int(psutil.virtual_memory().available)


def whole_memory() -> int:
    """Bytes of the host's memory, used or free."""
    import psutil

    return int(psutil.virtual_memory().total)


def may_have_gpu() -> bool:
    """Whether it is worth loading torch to ask for a GPU: there is a driver, or a Mac's own."""
    return (
        sys.platform == "darwin" or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists() or shutil.which("nvidia-smi") is not None
    )


def share_one_heap() -> None:
    """Let all threads take memory from one heap. Comes before the first thread.

    Otherwise, glibc gives threads heaps of their own, and never gives back what lies free at the
    end of those: each would keep as much as its largest piece of work took, and a server would grow
    until every one of them had had its turn at that.
    """
    if sys.platform == "linux":
        option = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if option is not None:
            option(_M_ARENA_MAX, 1)


def let_device_memory_grow() -> None:
    """Let what a GPU's memory is taken in grow, unless the person has said how it is to be taken.
    Comes before torch.

    Tensors of very different sizes come and go: otherwise gigabytes are lost between them. Only
    Linux has this.
    """
    if sys.platform == "linux" and not {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"} & os.environ.keys():
        os.environ["PYTORCH_ALLOC_CONF"] = "expandable_segments:True"


def release_memory() -> None:
    """Give back to the system what a long piece of work has left.

    Pictures and tensors of all sizes leave gaps that glibc keeps for itself. A server that is used
    all day would seem to grow. Elsewhere, the allocators do this on their own.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)


def keep_freed_memory() -> None:
    """Let the program use freed memory again, where it would give it back and ask for it anew for
    every frame.

    glibc gives back what lies free at the end of its memory once that is twice as much as the
    largest block, up to 32 MB, that was ever freed. `release_memory` still gives all of it back.
    """
    bytearray(_LARGEST_BLOCK)
