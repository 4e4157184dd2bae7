"""Work on the frames to come while the present one is still being worked on.

A small network's operators are too short to share among a processor's cores: each of them waits for
the slower half. Whole frames share well, so on a processor every frame is encoded by one thread,
several of them at a time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")

_MOST_WORKERS = 4
_AHEAD = 2

_setting = threading.Lock()


def prefetch_encodings(frames: Sequence[int], fetch: Callable[[int], Callable[[], T]]) -> Generator[tuple[int, T], None, None]:
    """Stream (frame, its encoding) in order; up to a frame for each worker is under way meanwhile.

    `fetch(frame)` runs in the caller's thread and returns the call that a worker makes. Between
    frames the caller has the cores that the workers leave; it has its own number of threads back
    when the iterator ends or is closed.
    """
    cores = torch.get_num_threads()
    workers = max(2, min(_MOST_WORKERS, cores // 2))
    under_way: deque[tuple[int, Future[T]]] = deque()
    with _own_threads(max(1, cores - workers)), _pool(workers) as pool:
        for frame in frames:
            under_way.append((frame, pool.submit(fetch(frame))))
            if len(under_way) > workers:
                done, future = under_way.popleft()
                yield done, future.result()
        while under_way:
            done, future = under_way.popleft()
            yield done, future.result()


def read_ahead(frames: Sequence[int], read: Callable[[int], T]) -> Generator[tuple[int, T], None, None]:
    """Stream (frame, what `read` gives of it) in order; one thread reads the next frames while the
    caller, whose GPU does the rest, still works on the present one.
    """
    with ThreadPoolExecutor(1, "read") as pool:
        under_way: deque[tuple[int, Future[T]]] = deque()
        try:
            for frame in frames:
                under_way.append((frame, pool.submit(read, frame)))
                if len(under_way) > _AHEAD:
                    done, future = under_way.popleft()
                    yield done, future.result()
            while under_way:
                done, future = under_way.popleft()
                yield done, future.result()
        finally:
            for _, future in under_way:
                future.cancel()


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(workers, "encode", initializer=_set_own_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _own_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    _set_own_threads(count)
    try:
        yield
    finally:
        _set_own_threads(before)


def _set_own_threads(count: int) -> None:
    """Give the calling thread `count` threads for torch's operators.

    torch takes the number that was set last for every thread that starts later too; a thread of its
    own puts that one back.
    """
    with _setting:
        torch.get_num_threads()  # a thread that is new to torch would take the default later, over what is set here
        default = _in_a_new_thread(torch.get_num_threads)
        torch.set_num_threads(count)
        _in_a_new_thread(lambda: torch.set_num_threads(default))


def _in_a_new_thread(call: Callable[[], Any]) -> Any:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    thread.join()
    return answers[0]
