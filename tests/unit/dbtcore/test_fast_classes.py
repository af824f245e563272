"""Pieces that put off making methods of classes: the methods are the same, and are there whenever somebody asks."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from dbt.contracts.graph.nodes import NodeConfig
from dbt_common.contracts.config.properties import AdditionalPropertiesAllowed
from dbt_common.dataclass_schema import dbtClassMixin
from mashumaro.exceptions import MissingField, UnserializableDataError
from mashumaro.mixins.dict import DataClassDictMixin

from dbt_retry_plus.dbtcore.fast.extra_properties import EXTRA_PROPERTIES
from dbt_retry_plus.dbtcore.fast.generated_methods import GENERATED_METHODS
from dbt_retry_plus.dbtcore.running import dbt_minor
from dbt_retry_plus.startup import FAST_VARIABLE

MINOR = dbt_minor()
# Without mashumaro's own classes: what those name is not all there while they are made, and so is done in two steps.
METHODS_OF_DBT = """
import json, re
from dbt_retry_plus.startup import install
install()
import dbt.cli.main
from mashumaro.mixins.dict import DataClassDictMixin
def classes(kind):
    for found in kind.__subclasses__():
        yield found
        yield from classes(found)
names = [f"{prefix}{to}_{form}{prefix}" for to in ("to", "from") for form in ("dict", "msgpack") for prefix in ("", "__")]
names = [name.replace("__to", "__mashumaro_to").replace("__from", "__mashumaro_from") for name in names]
found = {
    kind.__module__ + kind.__qualname__: kind
    for kind in classes(DataClassDictMixin) if not kind.__module__.startswith("mashumaro.")
}
waiting = sum(type(vars(kind).get("to_dict")).__name__ == "_UngeneratedMethod" for kind in found.values())
def described(method):
    code = getattr(method, "__func__", method).__code__
    return re.sub("__[0-9a-f]{32}|0x[0-9a-f]+", "", str((code.co_names, code.co_consts, code.co_varnames, method.__qualname__)))
shapes = {
    f"{path}.{name}": [described(getattr(kind, name)), name in vars(kind)]
    for path, kind in found.items() for name in names if hasattr(kind, name)
}
left = sum(type(value).__name__ == "_UngeneratedMethod" for kind in found.values() for value in vars(kind).values())
print(json.dumps([waiting, left, shapes]))
"""


def methods_of_dbt(folder: Path, *arguments: str, script: str = "dbt", **variables: str) -> Any:
    inherited = {name: value for name, value in os.environ.items() if name != FAST_VARIABLE}
    (folder / script).parent.mkdir(exist_ok=True)
    (folder / script).write_text(METHODS_OF_DBT)
    done = subprocess.run(
        [sys.executable, str(folder / script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **variables},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.skipif(GENERATED_METHODS.unfamiliar(MINOR) is not None, reason="a mashumaro that was not looked at yet")
def test_the_methods_of_dbts_classes_are_those_that_mashumaro_makes(tmp_path: Path) -> None:
    made_at_once = methods_of_dbt(tmp_path, "retry-plus", **{FAST_VARIABLE: "0"})
    made_on_use = methods_of_dbt(tmp_path, "--quiet", "retry-plus")
    assert made_at_once[:2] == [0, 0]
    assert made_on_use[0] > 200 and made_on_use[1] == 0
    different = [name for name, told in made_at_once[2].items() if made_on_use[2].get(name) != told]
    assert not different and made_on_use[2].keys() == made_at_once[2].keys()


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("dbt", ("build",)),
        ("dbt-retry-plus/dbt", ("build",)),  # a clone of this project, and the environment in it
        ("dbt", ("ls", "--select", "retry-plus")),
        ("program", ("serve", "--job", "retry-plus")),
    ],
)
def test_other_commands_and_programs_find_all_classes_as_they_are(
    tmp_path: Path, script: str, arguments: tuple[str, ...]
) -> None:
    assert methods_of_dbt(tmp_path, *arguments, script=script)[:2] == [0, 0]


@pytest.fixture(params=[False, True], ids=["at once", "on use"])
def generating(request: pytest.FixtureRequest) -> Iterator[bool]:
    with GENERATED_METHODS.enter() if request.param else nullcontext():
        yield request.param


def place_holders(kind: type) -> list[str]:
    return [name for name, value in vars(kind).items() if type(value).__name__ == "_UngeneratedMethod"]


def test_a_class_turns_into_documents_and_back(generating: bool) -> None:
    @dataclasses.dataclass
    class Base(dbtClassMixin):
        a: int
        tags: list[str] = dataclasses.field(default_factory=list)

    @dataclasses.dataclass
    class Child(Base):
        b: str = "b"

    assert len(place_holders(Child)) == (8 if generating else 0)
    child = Child.from_dict({"a": 1, "tags": ["t"]})
    assert child == Child(1, ["t"]) and child.to_dict() == {"a": 1, "tags": ["t"], "b": "b"}
    assert Child.from_msgpack(child.to_msgpack()) == child
    assert place_holders(Child) == []
    assert Base.from_dict({"a": 2}).to_dict(omit_none=True) == {"a": 2, "tags": []}
    with pytest.raises(MissingField, match="a"):
        Base.from_dict({})
    assert copy.deepcopy(child) == child


def test_what_a_child_asks_of_its_parent_is_answered_as_ever() -> None:
    def answers() -> list[Any]:
        @dataclasses.dataclass
        class Parent(dbtClassMixin):
            a: int = 1

        @dataclasses.dataclass
        class Child(Parent):
            b: int = 2

        first = super(Child, Child(3, 4)).to_dict()  # before anybody used a method of either
        return [first, Child(3, 4).to_dict(), super(Child, Child(3, 4)).to_dict(), Parent(5).to_dict()]

    expected = answers()
    with GENERATED_METHODS.enter():
        assert answers() == expected


def test_many_may_ask_at_once(generating: bool) -> None:
    @dataclasses.dataclass
    class Asked(dbtClassMixin):
        a: int = 1

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: Asked(number).to_dict(), range(200))) == [{"a": n} for n in range(200)]
    assert "to_dict" not in place_holders(Asked)


def test_a_class_that_did_not_ask_for_laziness_says_at_once_what_is_wrong_with_it(generating: bool) -> None:
    with pytest.raises(UnserializableDataError):
        dataclasses.make_dataclass("Refused", [("a", socket)], bases=(DataClassDictMixin,))


def test_generation_is_as_before_once_the_piece_is_gone() -> None:
    with GENERATED_METHODS.enter():
        pass

    @dataclasses.dataclass
    class Later(dbtClassMixin):
        a: int

    assert place_holders(Later) == []


@dataclasses.dataclass
class Configured(AdditionalPropertiesAllowed):
    enabled: bool = True
    materialized: str = "view"
    hooks: list[str] = dataclasses.field(default_factory=list, metadata={"alias": "post-hook"})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"enabled": False, "materialized": "table"},
        {"materialized": "table", "post-hook": ["select 1"]},
        {"materialized": "table", "mine": 1, "pre-hook": "x"},
        {"mine": {"a": 1}, "yours": None, "enabled": False},
        {"_extra": {"mine": 1}, "enabled": False},
        {"_extra": {"mine": 1}, "yours": 2},
    ],
)
def test_a_configuration_is_loaded_as_dbt_loads_it(document: dict[str, Any]) -> None:
    expected = outcome_of(lambda: Configured.from_dict(copy.deepcopy(document)))
    with EXTRA_PROPERTIES.enter():
        for _ in range(2):  # the second time with what was found out the first time
            given = copy.deepcopy(document)
            assert outcome_of(lambda given=given: Configured.from_dict(given)) == expected


def outcome_of(load: Callable[[], Configured]) -> tuple[str, Any]:
    try:
        loaded = load()
    except Exception as error:
        return type(error).__name__, str(error)
    return repr(loaded), (loaded.to_dict(), pickle.dumps(loaded.to_dict()), list(loaded.to_dict()))


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_what_is_no_configuration_is_refused_as_dbt_refuses_it(document: Any) -> None:
    expected = outcome_of(lambda: Configured.from_dict(document))
    with EXTRA_PROPERTIES.enter():
        assert outcome_of(lambda: Configured.from_dict(document)) == expected


def test_the_configuration_of_a_node_is_loaded_as_dbt_loads_it() -> None:
    documents = (
        {"materialized": "table", "mine": 1},
        {"pre-hook": [{"sql": "select 1"}], "tags": "t"},
        NodeConfig().to_dict(),
    )
    expected = [NodeConfig.from_dict(document) for document in documents]
    with EXTRA_PROPERTIES.enter():
        assert [NodeConfig.from_dict(document) for document in documents] == expected
    assert expected[0].extra == {"mine": 1}
