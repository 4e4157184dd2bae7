"""A small cache that closes what it drops."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The last `size` values by key, safe to use from several threads. A value with a `close` method is closed when it is dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """The value of `key`, made when it is not there. Two callers at once get the same one."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                while len(self._values) > self._size:
                    self._drop(self._values.popitem(last=False)[1])
            self._values.move_to_end(key)
            return self._values[key]

    def clear(self) -> None:
        with self._lock:
            while self._values:
                self._drop(self._values.popitem()[1])

    @staticmethod
    def _drop(value: V) -> None:
        close = getattr(value, "close", None)
        if close is not None:
            close()
