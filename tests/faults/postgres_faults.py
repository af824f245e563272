"""Faults of PostgreSQL, and of the way to it: each is made by a session, a process or a proxy that is not dbt's."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.faults.fault import Fault
from tests.faults.project import DATABASE, GATED, HOOKED
from tests.support.postgres import wait_until_ready
from tests.support.proxy import Cut

if TYPE_CHECKING:
    from tests.faults.scene import PostgresScene

TABLES = ("base", "hooked", "keyed", "kept", "grown")
"""Those of which it does no harm when a lost commit is done again."""


def terminated(scene: PostgresScene) -> None:
    """`pg_terminate_backend`, by another session, while the node's statement runs."""
    with scene.gate() as gate:
        for _ in range(scene.case.times):
            gate.wait_for_node()
            gate.terminate_who_waits()


def cancelled(scene: PostgresScene) -> None:
    """`pg_cancel_backend`: the statement ends, the connection stays."""
    with scene.gate() as gate:
        scene.execute(f"select pg_cancel_backend({gate.wait_for_node()})")


def crashed(scene: PostgresScene) -> None:
    """A server process that dies takes all the others with it; the server recovers by itself."""
    with scene.gate() as gate:
        os.kill(gate.wait_for_node(), signal.SIGKILL)
        gate.lost()
        wait_until_ready(scene.server)


def restarted(scene: PostgresScene) -> None:
    """`pg_ctl restart -m immediate`: no session survives, and for a while nobody listens."""
    with scene.gate() as gate:
        gate.wait_for_node()
        scene.server.restart()
        gate.lost()
        wait_until_ready(scene.server)


def exhausted(scene: PostgresScene) -> None:
    """All connections that are not for superusers are taken, also the node's own."""
    with scene.gate() as gate, contextlib.ExitStack() as held:
        gate.wait_for_node()

        def keep_out() -> bool:
            _take_all(scene, held)
            gate.terminate_who_waits()
            return scene.attempts_of_any() > 1

        scene.wait_for(keep_out)


def _take_all(scene: PostgresScene, held: contextlib.ExitStack) -> None:
    import psycopg2  # type: ignore[import-untyped]

    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            held.enter_context(contextlib.closing(scene.connect_as_dbt()))


def deadlocked(scene: PostgresScene) -> None:
    """The node has locked a row and wants another one; this session has that one, and wants the first."""
    node = scene.case.node
    with scene.gate() as gate:
        pid = gate.wait_for_node()
        with contextlib.closing(scene.connect()) as session, session.cursor() as cursor:
            cursor.execute("set deadlock_timeout = '1h'")  # who looks for it is who ends: let that be dbt's
            cursor.execute("begin")
            cursor.execute(f"update control.marks set n = n where node = '{node}, done'")
            mine = threading.Thread(
                target=cursor.execute, args=(f"update control.marks set n = n where node = '{node}'",)
            )
            mine.start()
            scene.wait_for(
                lambda: scene.fetch(f"select 1 from pg_stat_activity where {pid} = any(pg_blocking_pids(pid))")
            )
            gate.release()
            mine.join()
            cursor.execute("rollback")


def unserializable(scene: PostgresScene) -> None:
    """What the node is about to write has been changed since its transaction began."""
    with scene.gate() as gate:
        gate.wait_for_node()
        scene.execute(f"update control.marks set n = n where node = '{scene.case.node}, done'")


def waits_too_long(scene: PostgresScene) -> None:
    """The gate stays closed until the node has given up."""
    with scene.gate() as gate:
        gate.wait_for_node()
        scene.wait_for_attempts(scene.case.times)


def read_meanwhile(scene: PostgresScene) -> None:
    """Somebody reads the relation that the node is to replace, and does not stop."""
    with contextlib.closing(scene.connect()) as session, session.cursor() as cursor:
        cursor.execute("begin")
        cursor.execute(f"lock table main.{scene.case.node} in access share mode")
        scene.ready()
        scene.wait_for_attempts(scene.case.times)


def cut_all(scene: PostgresScene) -> None:
    """Every connection there is ends at once."""
    with scene.gate() as gate:
        for _ in range(scene.case.times):
            gate.wait_for_node()
            scene.proxy.end_all(reset=scene.case.reset)
            gate.terminate_who_waits()  # the server does not know yet that nobody listens


def refused(scene: PostgresScene) -> None:
    """Connections end, and for a while there are no others to be had."""
    with scene.gate() as gate:
        gate.wait_for_node()
        scene.proxy.refuse()
        scene.proxy.end_all(reset=True)
    scene.wait_for_attempts_of_any(2)
    scene.proxy.listen()


def refused_at_the_start(scene: PostgresScene) -> None:
    """For a while there are no connections to be had, and dbt comes to no node."""
    scene.proxy.refuse()
    scene.hold_up()
    scene.proxy.listen()


def cut_at_statement(scene: PostgresScene) -> None:
    case = scene.case
    scene.proxy.obey(Cut(case.node, case.statement, case.moment, case.reset, case.times))


def cut_at_commit(scene: PostgresScene) -> None:
    scene.proxy.obey(Cut(scene.case.node, b"COMMIT", scene.case.moment, scene.case.reset, scene.case.times))


def delayed(scene: PostgresScene) -> None:
    scene.proxy.obey(delay=0.002)


def set_for_role(setting: str) -> Any:
    """For all sessions of the role that dbt has, as administrators do it."""
    return lambda scene: scene.execute(f"alter role analyst in database {DATABASE} set {setting}")


def rewritten(sql: str) -> Any:
    """The node's SQL becomes another one, between the build and the retry."""

    def write(scene: PostgresScene) -> None:
        path = next(path for path in scene.project.rglob(f"{scene.case.node}.sql") if "target" not in path.parts)
        text = path.read_text()
        start = text.index("select id")
        path.write_text(text[:start] + sql + (" {% endsnapshot %}" if scene.case.node == "kept" else ""))

    return write


def revoked(scene: PostgresScene) -> None:
    scene.execute("revoke execute on all functions in schema control from public")
    scene.execute("grant execute on function control.begins, control.ends to analyst")


def failing_test(scene: PostgresScene) -> None:
    scene.execute("create or replace function control.reaches(node text) returns int language plpgsql as $$"
                  " begin perform nextval(format('control.reached_%s', node));"
                  " return case node when 'stored' then 1 else 0 end; end $$")  # fmt: skip


_FAULTS = (
    Fault("terminated", GATED, meddle=terminated, weight=2),
    Fault("backend crashed", GATED, meddle=crashed, keeps_counts=False, loses_commits=True),
    Fault("server restarted", GATED, meddle=restarted, keeps_counts=False, loses_commits=True),
    Fault("connections exhausted", GATED, meddle=exhausted),
    Fault("deadlock", HOOKED, meddle=deadlocked, weight=2),
    Fault("serialization failure", HOOKED, prepare=set_for_role("default_transaction_isolation = 'repeatable read'"),
          meddle=unserializable, weight=2),
    Fault("statement timeout", GATED, prepare=set_for_role("statement_timeout = '2s'"), meddle=waits_too_long),
    Fault("lock timeout", GATED, prepare=set_for_role("lock_timeout = '1s'"), meddle=waits_too_long),
    Fault("read meanwhile", ("base", "hooked", "keyed"), prepare=set_for_role("lock_timeout = '1s'"), meddle=read_meanwhile,
          states=("grown",)),
    Fault("cut at a statement", TABLES, prepare=cut_at_statement, through_proxy=True, hits=False, loses_commits=True, weight=4),
    Fault("cut at the commit", TABLES, prepare=cut_at_commit, through_proxy=True, hits=False, loses_commits=True, weight=3),
    Fault("all connections cut", GATED, meddle=cut_all, through_proxy=True, loses_commits=True),
    Fault("connections refused", GATED, meddle=refused, through_proxy=True, loses_commits=True),
    Fault("connections refused at the start", GATED, meddle=refused_at_the_start, through_proxy=True, before_nodes=True),
    Fault("delayed, and nothing else", GATED, prepare=delayed, through_proxy=True, hits=False),
    Fault("cancelled, --retry-on unknown", GATED, meddle=cancelled, arguments=("--retry-on", "unknown")),
    Fault("cancelled", GATED, meddle=cancelled, passes=False),
    Fault("syntax error", HOOKED, prepare=rewritten("selec id"), passes=False),
    Fault("missing relation", HOOKED, prepare=rewritten("select id from raw.absent"), passes=False),
    Fault("permission denied on a table", HOOKED, prepare=rewritten("select id from control.secret"), passes=False),
    Fault("permission denied on a function", ("base",), prepare=revoked, passes=False),
    Fault("division by zero", HOOKED, prepare=rewritten("select id / (id - id) as id from raw.places"), passes=False),
    Fault("contract broken", ("base", "keyed"), prepare=rewritten("select id from raw.places"), passes=False),
    Fault("compilation error", HOOKED,
          prepare=rewritten("{% if execute %}{{ exceptions.raise_compiler_error('no') }}{% endif %}"), passes=False,
          began=0),
    Fault("test failed", ("stored",), prepare=failing_test, passes=False),
)  # fmt: skip
POSTGRES_FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _FAULTS}
