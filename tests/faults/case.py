"""One case of the campaign: which fault, of which node, in which state; everything follows from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.faults.duckdb_faults import DUCKDB_FAULTS
from tests.faults.postgres_faults import POSTGRES_FAULTS
from tests.support.proxy import Moment

STATES = ("fresh", "grown")
MOST_STATEMENTS = 14
DUCKDB_SHARE = 0.2


@dataclass(frozen=True)
class Case:
    """What happens.

    Attributes:
        seed: All else follows from it.
        adapter: The kind of warehouse.
        fault: The name of the fault.
        node: The node that it is for.
        threads: How many nodes dbt runs at once.
        state: `fresh`: the build that failed was the first one. `grown`: an earlier one had built all, from less.
        times: How often the fault comes, where that can be chosen.
        statement: At which statement of the node, where that can be chosen.
        moment: When of that, likewise.
        reset: Whether a connection is reset, or ends, likewise.
    """

    seed: str
    adapter: str
    fault: str
    node: str
    threads: int
    state: str
    times: int
    statement: int
    moment: Moment
    reset: bool

    def __str__(self) -> str:
        return f"{self.seed}-{self.fault.replace(' ', '_')}-{self.node}-{self.threads}t-{self.state}"


def case_of(seed: str) -> Case:
    """Choose a case by a seed."""
    choice = random.Random(seed)
    adapter = "duckdb" if choice.random() < DUCKDB_SHARE else "postgres"
    faults = DUCKDB_FAULTS if adapter == "duckdb" else POSTGRES_FAULTS
    names = list(faults)
    fault = faults[choice.choices(names, weights=[faults[name].weight for name in names])[0]]
    return Case(
        seed=seed,
        adapter=adapter,
        fault=fault.name,
        node=choice.choice(fault.nodes),
        threads=choice.choice(fault.threads),
        state=choice.choice(fault.states),
        times=choice.choice((1, 1, 2)),
        statement=choice.randint(1, MOST_STATEMENTS),
        moment=choice.choice(list(Moment)),
        reset=choice.random() < 0.5,
    )
