"""The methods that mashumaro generates for dbt's classes, generated when they are first used.

It gives each class two pairs of methods that make a document of an object and an object of a document, and writes,
compiles and runs the source of each as the class is made; a retry uses few of them. The lazy compilation that dbt asks
for puts off what a method does, and not the method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from mashumaro.config import BaseConfig
from mashumaro.core.meta.code.builder import CodeBuilder
from mashumaro.mixins import dict as caller

from dbt_retry_plus.dbtcore.fast.piece import Piece, replaced
from dbt_retry_plus.dbtcore.fast.process import is_the_process

_OF_MASHUMARO = "mashumaro."
_CALLER = "mashumaro.mixins.dict"
_BUILDER = "mashumaro.core.meta.code.builder:CodeBuilder"
_PACKER, _UNPACKER = "compile_mixin_packer", "compile_mixin_unpacker"


class _UngeneratedMethod:
    """Stands in a class for one of its methods until somebody asks for that."""

    __slots__ = ("_generate", "_name", "_owner")

    def __init__(self, owner: type, name: str, generate: Callable[[], None]) -> None:
        self._owner, self._name, self._generate = owner, name, generate

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        self._generate()  # where two threads ask at once, each of them makes the same
        return vars(self._owner)[self._name].__get__(instance, owner)


@contextmanager
def _generated_on_use() -> Iterator[None]:
    naming = {_PACKER: CodeBuilder.get_pack_method_name, _UNPACKER: CodeBuilder.get_unpack_method_name}
    with ExitStack() as stack:
        for compiler, name_of in naming.items():
            stack.enter_context(replaced(caller, compiler, _putting_off(vars(caller)[compiler], name_of)))
        yield


def _putting_off(compiles: Callable[..., None], name_of: Callable[..., Any]) -> Callable[..., None]:
    def put_off(cls: Any, **options: Any) -> None:
        config = getattr(cls, "Config", None)
        if getattr(config, "debug", False) or not (_is_lazy(config) or cls.__module__.startswith(_OF_MASHUMARO)):
            compiles(cls, **options)  # what there is to say about its types is said as it is made
            return
        coder = {name: options[name] for name in ("encoder", "decoder") if name in options}
        internal = name_of(format_name=options.get("format_name", "dict"), **coder)
        for name in (internal, internal.public):
            setattr(cls, name, _UngeneratedMethod(cls, name, partial(compiles, cls, **options)))

    return put_off


def _is_lazy(config: Any) -> bool:
    if not (isinstance(config, type) and issubclass(config, BaseConfig)):
        return False
    return config.lazy_compilation and config.allow_postponed_evaluation


GENERATED_METHODS = Piece(
    "generated_methods",
    _generated_on_use,
    {
        f"{_CALLER}:{_PACKER}": frozenset({"7f32141d"}),
        f"{_CALLER}:{_UNPACKER}": frozenset({"d58ef40d"}),
        f"{_CALLER}:DataClassDictMixin.__init_subclass__": frozenset({"beca493f", "ba63aaab"}),
        f"{_BUILDER}.get_pack_method_name": frozenset({"8318de4d"}),
        f"{_BUILDER}.get_unpack_method_name": frozenset({"61144ce7"}),
        f"{_BUILDER}._add_pack_method_lines": frozenset({"f1875491"}),
        f"{_BUILDER}._add_unpack_method_lines": frozenset({"94418b7e", "1d434d82", "3fcd0124", "e142d3d1", "f8dd4b19"}),
        f"{_BUILDER}._add_setattr_method": frozenset({"e0db042d"}),
    },
    fits=is_the_process,  # what was never asked for stays as it is when the command ends
)
