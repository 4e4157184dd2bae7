"""Frames encoded ahead by threads of their own: in order, no further ahead than said, and without a
trace on other threads.
"""

import threading
from collections.abc import Callable

import torch

from core.segment.prefetch import prefetch_encodings, read_ahead


def threads_of_a_new_thread() -> int:
    counts: list[int] = []
    thread = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return counts[0]


def test_frames_come_in_order_from_other_threads() -> None:
    def fetch(frame: int) -> Callable[[], tuple[int, str, int]]:
        return lambda: (frame * frame, threading.current_thread().name, torch.get_num_threads())

    answers = list(prefetch_encodings(range(7, 0, -1), fetch))
    assert [(frame, square) for frame, (square, _, _) in answers] == [(frame, frame * frame) for frame in range(7, 0, -1)]
    assert all(name != threading.current_thread().name and threads == 1 for _, (_, name, threads) in answers)


def test_only_a_few_frames_are_fetched_ahead() -> None:
    fetched: list[int] = []

    def fetch(frame: int) -> Callable[[], int]:
        fetched.append(frame)
        return lambda: frame

    stream = prefetch_encodings(range(1000), fetch)
    next(stream)
    stream.close()
    assert len(fetched) <= 5


def test_one_thread_reads_the_next_frames() -> None:
    read: list[tuple[int, str]] = []

    def note(frame: int) -> int:
        read.append((frame, threading.current_thread().name))
        return frame * frame

    assert list(read_ahead(range(7, 0, -1), note)) == [(frame, frame * frame) for frame in range(7, 0, -1)]
    assert {name for _, name in read} == {"read_0"}
    read.clear()
    stream = read_ahead(range(1000), note)
    next(stream)
    stream.close()
    assert len(read) <= 3


def test_no_thread_is_left_with_another_number_of_threads() -> None:
    before, started_later = torch.get_num_threads(), threads_of_a_new_thread()
    stream = prefetch_encodings(range(5), lambda frame: lambda: frame)
    next(stream)
    assert threads_of_a_new_thread() == started_later
    stream.close()
    assert torch.get_num_threads() == before
    assert threads_of_a_new_thread() == started_later
