"""Faults of a PostgreSQL server, made in the server itself, so many times as a test says."""

from __future__ import annotations

from tests.support.projects import DbtProject

_CONTROL = """
create schema control;
create table control.faults (node text primary key, kind text not null, times int not null);
create function control.fault(node text) returns int language plpgsql volatile as $$
declare
  planned control.faults;
begin
  select * into planned from control.faults as f where f.node = fault.node;
  if not found or nextval(format('control.%I', node)) > planned.times then
    return 0;
  end if;
  if planned.kind = 'terminate' then
    perform pg_terminate_backend(pg_backend_pid());
    perform pg_sleep(10);
  end if;
  raise exception 'made to fail' using errcode = planned.kind;
end $$
"""
QUICK = ("--attempts", "3", "--delay", "0.1s", "--jitter", "0s")
"""Options that have a node executed again at once."""

TERMINATE = "terminate"
SERIALIZATION_FAILURE, DEADLOCK, LOCK_NOT_AVAILABLE, SYNTAX_ERROR = "40001", "40P01", "55P03", "42601"


def prepare_faults(project: DbtProject) -> None:
    """Make the function that the nodes of the project ask."""
    project.execute(_CONTROL)


def plan_fault(project: DbtProject, node: str, kind: str, times: int = 1) -> None:
    """Let a node fail.

    Args:
        project: The project.
        node: What its SQL asks for.
        kind: `terminate`, which ends its connection, or the SQLSTATE of an error.
        times: How often, from now on. A sequence counts, which no rollback takes back.
    """
    project.execute(f"drop sequence if exists control.{node}; create sequence control.{node}")
    project.execute(f"delete from control.faults where node = '{node}'")
    project.execute(f"insert into control.faults values ('{node}', '{kind}', {times})")


def calls(project: DbtProject, node: str) -> int:
    """How often a node has asked."""
    return int(project.fetch(f"select case when is_called then last_value else 0 end from control.{node}")[0][0])
