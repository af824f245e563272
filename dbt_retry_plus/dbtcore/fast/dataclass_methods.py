"""The methods of dataclasses that make, compare and show objects, compiled when they are first called.

Python writes and compiles the source of each as the class is made. dbt makes some five hundred dataclasses, and a retry
makes objects of a few of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.process import is_the_process

_COMPILE, _INIT = "_create_fn", "__init__"
_Method = Callable[..., Any]


class _UncompiledInit:
    """Stands in a class for its `__init__` until somebody asks for that."""

    __slots__ = ("_compile",)

    def __init__(self, compiles: Callable[[], _Method]) -> None:
        self._compile = compiles

    def __get__(self, instance: object, owner: type) -> Any:
        method = self._compile()
        for of in owner.__mro__:
            if vars(of).get(_INIT) is self:  # else another thread, which asked too, has put one like it there
                method.__qualname__ = f"{of.__qualname__}.{_INIT}"
                setattr(of, _INIT, method)
                break
        return method.__get__(instance, owner)


@contextmanager
def _compiled_on_call() -> Iterator[None]:
    compiles = vars(dataclasses)[_COMPILE]

    def put_off(name: str, args: Sequence[str], body: Any, **options: Any) -> Any:
        if name == _INIT:
            return _UncompiledInit(partial(compiles, name, args, body, **options))
        if name not in _STANDING_IN or tuple(args) != _STANDING_IN[name][0]:
            method: _Method = compiles(name, args, body, **options)
            return method
        compiled: list[_Method] = []

        def method_itself() -> _Method:
            if not compiled:  # where two threads call at once, each of them makes the same
                compiled.append(compiles(name, args, body, **options))
            return compiled[0]

        standing_in = _STANDING_IN[name][1](method_itself)
        standing_in.__annotations__ = {}
        standing_in.__qualname__ = f"__create_fn__.<locals>.{name}"  # pprint knows a generated method by that
        standing_in.__module__ = (options.get("globals") or {}).get("__name__", "builtins")
        return standing_in

    with replaced(dataclasses, _COMPILE, put_off):
        yield


def _comparing(method_itself: Callable[[], _Method]) -> _Method:
    def __eq__(self: Any, other: Any) -> Any:  # noqa: N807  # the name that the class's own has
        return method_itself()(self, other)

    return __eq__


def _showing(method_itself: Callable[[], _Method]) -> _Method:
    def __repr__(self: Any) -> Any:  # noqa: N807
        return method_itself()(self)

    return __repr__


def _setting(method_itself: Callable[[], _Method]) -> _Method:
    def __setattr__(self: Any, name: Any, value: Any) -> Any:  # noqa: N807
        return method_itself()(self, name, value)

    return __setattr__


def _deleting(method_itself: Callable[[], _Method]) -> _Method:
    def __delattr__(self: Any, name: Any) -> Any:  # noqa: N807
        return method_itself()(self, name)

    return __delattr__


_STANDING_IN: dict[str, tuple[tuple[str, ...], Callable[[Callable[[], _Method]], _Method]]] = {
    "__eq__": (("self", "other"), _comparing),
    "__repr__": (("self",), _showing),
    "__setattr__": (("self", "name", "value"), _setting),
    "__delattr__": (("self", "name"), _deleting),
}

DATACLASS_METHODS = Piece(
    "dataclass_methods",
    _compiled_on_call,
    {
        f"dataclasses:{_COMPILE}": frozenset({"541d98a3", "a418dbaf"}),  # Python 3.13 compiles a class in one piece
        "dataclasses:_init_fn": frozenset({"f87637cf", "3755a531"}),
        "dataclasses:_repr_fn": frozenset({"c9a3b595"}),
        "dataclasses:_cmp_fn": frozenset({"bb48897e"}),
        "dataclasses:_frozen_get_del_attr": frozenset({"4fca6392", "82351dc9"}),
    },
    fits=is_the_process,
)
