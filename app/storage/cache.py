"""A small cache that closes what it drops."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class ClosingCache(Generic[V]):
    """The last `size` values by key, safe to use from several threads. A value with a `close`
    method is closed when it is dropped.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._making: dict[Hashable, threading.RLock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`, made when it is not there. Two callers at once get the same one;
        other keys don't wait for it.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            turn = self._making.setdefault(key, threading.RLock())
        with turn:
            with self._lock:
                if key in self._values:  # made while we waited
                    return self._values[key]
            dropped: list[V] = []
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
                    dropped = [self._values.popitem(last=False)[1] for _ in range(len(self._values) - self._size)]
            finally:
                with self._lock:
                    self._making.pop(key, None)
        for old in dropped:
            self._drop(old)
        return value

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            dropped = list(self._values.values())
            self._values.clear()
        for value in dropped:
            self._drop(value)

    @staticmethod
    def _drop(value: V) -> None:
        close = getattr(value, "close", None)
        if close is not None:
            close()
