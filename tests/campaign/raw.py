"""The raw tables that a project reads: on the first day and the next, spoiled and mended."""

from __future__ import annotations

from collections.abc import Iterator

from tests.campaign.project import BAD_DATA, EVENTS, MICROBATCH, Node, Project, raw_table


def first_raw(project: Project) -> Iterator[str]:
    """The raw data of the first day, without what is late."""
    yield "create schema if not exists raw"
    yield "create schema if not exists main"
    yield "create or replace table raw.base as select i as id, i * 10 as v from range(1, 6) as r(i)"
    yield "create or replace table raw.other as select i as id, i * 20 as v from range(1, 7) as r(i)"
    for node in project.nodes:
        if node.kind in (EVENTS, MICROBATCH) and node.raw:
            yield (
                f"create or replace table raw.{node.raw} as select * from (values (1, '1', timestamp '2023-05-01'), "
                "(2, '2', timestamp '2024-05-01'), (3, '3', timestamp '2025-05-01')) as t(id, v, happened_at)"
            )
        elif node.raw:
            yield mended(node)


def second_raw(project: Project) -> Iterator[str]:
    """What comes on the next day."""
    yield "insert into raw.base select i, i * 10 from range(6, 9) as r(i)"
    for node in project.nodes:
        if node.kind in (EVENTS, MICROBATCH) and node.raw:
            yield f"insert into raw.{node.raw} values (4, '4', timestamp '2025-06-01')"


def spoiled(node: Node) -> str:
    """SQL that makes the warehouse fail the node."""
    if node.kind in (EVENTS, MICROBATCH):
        return f"update raw.{node.raw} set v = 'many' where id = 2"
    if node.raw == BAD_DATA:
        return f"create or replace table {raw_table(node)} as select 3 as bad"
    return f"drop table if exists {raw_table(node)}"


def mended(node: Node) -> str:
    """SQL that puts it right."""
    if node.kind in (EVENTS, MICROBATCH):
        return f"update raw.{node.raw} set v = '2' where id = 2"
    return f"create or replace table {raw_table(node)} as select -1 as bad"
