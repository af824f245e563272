"""Pieces that put off making methods and docstrings of dataclasses: they are the same, and there whenever somebody asks."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import pprint
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.metadata import version
from typing import Any, ClassVar

import pytest

from dbt_retry_plus.dbtcore.fast.dataclass_docs import DATACLASS_DOCS
from dbt_retry_plus.dbtcore.fast.dataclass_methods import DATACLASS_METHODS

MINOR = ".".join(version("dbt-core").split(".")[:2])


def putting_off() -> AbstractContextManager[Any]:
    """Both pieces, as far as this Python has what they are about."""
    stack = ExitStack()
    for piece in (DATACLASS_METHODS, DATACLASS_DOCS):
        if piece.unfamiliar(MINOR) is None:
            stack.enter_context(piece.enter())
    return stack


def test_a_dataclass_is_printed_on_as_many_lines_as_ever() -> None:
    def printed() -> str:
        @dataclasses.dataclass
        class Printed:
            long: str = "x" * 50
            longer: str = "y" * 70

        return pprint.pformat(Printed())

    expected = printed()
    with putting_off():
        assert printed() == expected
    assert "\n" in expected


@pytest.fixture(params=[False, True], ids=["at once", "on call"])
def compiling(request: pytest.FixtureRequest) -> Iterator[bool]:
    if request.param and DATACLASS_METHODS.unfamiliar(MINOR):
        pytest.skip("this Python compiles a class in one piece")
    with putting_off() if request.param else nullcontext():
        yield request.param


def test_dataclasses_compare_show_and_refuse_as_ever(compiling: bool) -> None:
    @dataclasses.dataclass
    class Point:
        x: int
        inside: Any = None

    @dataclasses.dataclass(frozen=True, order=True)
    class Frozen:
        x: int

    @dataclasses.dataclass
    class Silent(Point):
        y: int = dataclasses.field(default=0, repr=False, compare=False)

    point = Point(1)
    point.inside = point
    assert repr(point) == "test_dataclasses_compare_show_and_refuse_as_ever.<locals>.Point(x=1, inside=...)"
    assert Point(1) == Point(1) != Point(2) and Point(1) != Silent(1) and Point(1).__eq__(Silent(1)) is NotImplemented
    assert Silent(1, y=2) == Silent(1, y=3) and repr(Silent(1, y=2)).endswith(".Silent(x=1, inside=None)")
    assert hash(Frozen(1)) == hash(Frozen(1)) and {Frozen(2): "found"}[Frozen(2)] == "found" and Frozen(1) < Frozen(2)
    assert Point.__hash__ is None
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        Frozen(1).x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del Frozen(1).x
    assert dataclasses.replace(Frozen(1), x=3).x == 3


def test_their_methods_look_as_ever(compiling: bool) -> None:
    @dataclasses.dataclass(frozen=True)
    class Looked:
        x: int

    prefix = "test_their_methods_look_as_ever.<locals>.Looked."
    for name, parameters in {
        "__eq__": "(self, other)",
        "__repr__": "(self)",
        "__setattr__": "(self, name, value)",
        "__delattr__": "(self, name)",
    }.items():
        method = vars(Looked)[name]
        if name == "__repr__":  # inside of what looks out for values that hold themselves
            assert method.__wrapped__.__qualname__ == "__create_fn__.<locals>.__repr__"
        assert (method.__name__, method.__qualname__, method.__module__) == (name, prefix + name, __name__)
        assert str(inspect.signature(method)) == parameters
    assert Looked.__doc__ == "Looked(x: 'int')" and Looked.__match_args__ == ("x",)
    assert compiling == (vars(Looked)["__eq__"].__code__.co_filename != "<string>")


def observations() -> list[Any]:
    """Make classes of all kinds, and look at them from all sides."""

    @dataclasses.dataclass
    class Base:
        x: int
        tags: list[str] = dataclasses.field(default_factory=list)
        count: ClassVar[int] = 0

        def __post_init__(self) -> None:
            type(self).count += 1

    @dataclasses.dataclass
    class Child(Base):
        y: dataclasses.InitVar[int] = 5
        z: int = dataclasses.field(init=False, default=7)
        _: dataclasses.KW_ONLY
        named: str = "n"

        def __post_init__(self, y: int) -> None:
            super().__post_init__()
            self.from_y = y

    @dataclasses.dataclass(slots=True)
    class Slotted:
        a: int
        b: str = "b"

    @dataclasses.dataclass(frozen=True)
    class Frozen:
        a: int

        def twice(self) -> int:
            return 2 * self.a

    class Grandchild(Child):
        def __init__(self) -> None:
            super().__init__(1, named="g")

    @dataclasses.dataclass(init=False)
    class Without:
        a: int = 1

    @dataclasses.dataclass
    class Documented:
        """It has one."""

        a: int = 1

    def refused(call: Callable[[], object]) -> str:
        try:
            call()
        except TypeError as error:
            return str(error)
        return "nothing"

    kinds: tuple[Any, ...] = (Base, Child, Slotted, Frozen, Grandchild, Without, Documented)
    return [
        [vars(Base(1)), vars(Child(1, ["t"], 2, named="m")), vars(Grandchild()), Base.count, Child.count],
        [Slotted(1), Slotted(a=1, b="c"), Frozen(3).twice(), Without(), Documented()],
        [refused(call) for call in (Base, lambda: Child(1, 2, 3, 4), lambda: Frozen(b=1), lambda: Without(1))],
        [str(inspect.signature(kind)) for kind in kinds],
        [inspect.get_annotations(kind.__init__) for kind in kinds if "__init__" in vars(kind)],
        [(kind.__init__.__qualname__, getattr(kind.__init__, "__module__", None)) for kind in kinds],
        [kind.__doc__ for kind in kinds],
        [inspect.getdoc(kind) for kind in kinds],
        [type(vars(kind).get("__init__")).__name__ for kind in kinds],
        [dataclasses.replace(Base(1), x=2), dataclasses.replace(Child(1), y=3, x=2), dataclasses.asdict(Slotted(1))],
        [Base(1).__doc__, super(Child, Child(2)).__doc__],
    ]


def test_classes_look_and_work_as_ever() -> None:
    expected = observations()
    with putting_off():
        found = observations()
    assert repr(found) == repr(expected)  # objects of two classes are never equal


def test_objects_are_pickled_as_ever(compiling: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = dataclasses.make_dataclass("Pickled", [("a", int, 1)], namespace={"__module__": __name__})
    monkeypatch.setattr(sys.modules[__name__], "Pickled", kind, raising=False)
    assert pickle.loads(pickle.dumps(kind(2))) == kind(2)


def test_many_make_objects_at_once(compiling: bool) -> None:
    @dataclasses.dataclass
    class Wanted:
        a: int

    method, documented = vars(Wanted)["__init__"], vars(Wanted)["__doc__"]
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda number: Wanted(number).a, range(200))) == list(range(200))
    assert type(vars(Wanted)["__init__"]).__name__ == "function"
    if compiling:  # a thread that had asked before another one had put it there
        method.__get__(object.__new__(Wanted), Wanted)(7)
        assert Wanted.__doc__ == documented.__get__(None, Wanted) == "Wanted(a: 'int')"


def test_a_class_that_could_not_be_made_has_no_docstring() -> None:
    class Unmade:
        a: int = 1
        b: int

    class Slotted:
        __slots__ = ("a",)
        a: int

    with putting_off():
        for unmade, options in ((Unmade, {}), (Slotted, {"slots": True})):
            with pytest.raises(TypeError):
                dataclasses.dataclass(**options)(unmade)
            assert unmade.__doc__ is None
        assert dataclasses.dataclass(Slotted).__doc__ == "Slotted(a: 'int')"


def test_a_docstring_is_not_written_before_somebody_asks() -> None:
    with putting_off():

        @dataclasses.dataclass
        class Unasked:
            a: int

    assert type(vars(Unasked)["__doc__"]).__name__ == "_UnwrittenDoc"


def test_a_class_is_made_without_what_nobody_asks_for() -> None:
    if DATACLASS_METHODS.unfamiliar(MINOR):
        pytest.skip("this Python compiles a class in one piece")
    with putting_off():

        @dataclasses.dataclass
        class Unasked:
            a: int

    assert {type(vars(Unasked)[name]).__name__ for name in ("__init__", "__doc__")} == {
        "_UncompiledInit",
        "_UnwrittenDoc",
    }
    assert Unasked(1).a == 1 and Unasked.__doc__ == "Unasked(a: 'int')"
    assert {type(vars(Unasked)[name]).__name__ for name in ("__init__", "__doc__")} == {"function", "str"}


def test_a_class_that_cannot_be_says_so_as_it_is_made(compiling: bool) -> None:
    with pytest.raises(TypeError, match="non-default argument 'b' follows default argument"):
        dataclasses.make_dataclass("Wrong", [("a", int, 1), ("b", int)])
