"""`valkey-cli`: a stand-in for the real one, which the wheel with the server does not bring.

As far as runbooks use it: commands with the real one's output (raw when it is not for a terminal),
`--scan`, `-x`, `-r` and `-e`. It is left out what only makes sense at a keyboard or in a cluster.

Source: https://valkey.io/topics/cli/ and `cliFormatReply…` in valkey-cli.c
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

from chaos_lab.valkey import Connection, Refusal, Reply, Status

_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
_ENDLESS = {b"MONITOR", b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE", b"SYNC", b"PSYNC"}


def raw(reply: Reply) -> bytes:
    """What the real one prints for programs, without the line's end."""
    if isinstance(reply, list):
        return b"\n".join(raw(one) for one in reply)
    if isinstance(reply, Refusal):
        return str(reply).encode() + b"\n"
    if reply is None:
        return b""
    return str(reply).encode() if isinstance(reply, int) else reply


def shown(reply: Reply, prefix: str = "") -> str:
    """What the real one prints for people, with the line's end."""
    if isinstance(reply, list):
        if not reply:
            return "(empty array)\n"
        width = len(str(len(reply)))
        inner = f"{prefix}{' ' * (width + 2)}"
        lines = [f"{number:>{width}}) {shown(one, inner)}" for number, one in enumerate(reply, 1)]
        return lines[0] + "".join(f"{prefix}{line}" for line in lines[1:])
    if isinstance(reply, Refusal):
        return f"(error) {reply}\n"
    if reply is None:
        return "(nil)\n"
    if isinstance(reply, int):
        return f"(integer) {reply}\n"
    if isinstance(reply, Status):
        return f"{reply.decode(errors='replace')}\n"
    return f"{quoted(reply)}\n"


def quoted(value: bytes) -> str:
    """As sdscatrepr writes a string."""
    inside = "".join(_ESCAPES.get(one) or (chr(one) if 32 <= one < 127 else f"\\x{one:02x}") for one in value)
    return f'"{inside}"'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="valkey-cli",
        add_help=False,
        description="Sends commands to a Valkey or Redis server and prints the replies.",
        epilog="example: valkey-cli -h 127.0.0.1 -p 6379 INFO memory",
    )
    parser.add_argument("--help", action="help", help="show this help message and exit")
    parser.add_argument("-h", dest="host", metavar="HOST", help="default: the lab's cache")
    parser.add_argument("-p", dest="port", type=int, metavar="PORT", help="default: the lab's cache")
    parser.add_argument(
        "-t", dest="timeout_s", type=float, metavar="SECONDS", help="to connect; default none"
    )
    parser.add_argument("-n", dest="database", type=int, metavar="DB", help="database number")
    parser.add_argument("-a", "--pass", dest="password", metavar="PASSWORD")
    parser.add_argument("--user", metavar="NAME", help="ACL user, with --pass")
    parser.add_argument("--no-auth-warning", action="store_true", help="taken, and not needed")
    parser.add_argument(
        "-r", dest="repeat", type=int, default=1, metavar="TIMES", help="run the command so often"
    )
    parser.add_argument(
        "-i", dest="interval_s", type=float, default=0.0, metavar="SECONDS", help="pause with -r"
    )
    parser.add_argument(
        "-x", dest="last_from_stdin", action="store_true", help="the last word is standard input"
    )
    parser.add_argument("-e", dest="exit_code", action="store_true", help="exit 1 when the server refuses")
    parser.add_argument("--raw", action="store_true", help="the default when not writing to a terminal")
    parser.add_argument("--no-raw", action="store_true", help="the default when writing to a terminal")
    parser.add_argument("--scan", action="store_true", help="list keys with SCAN")
    parser.add_argument("--pattern", default="*", metavar="PATTERN", help="which ones, with --scan")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="how many a step, with --scan")
    parser.add_argument("--cache", default="127.0.0.1:6379", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


def _fail(line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(1)


def _connect(arguments: argparse.Namespace) -> Connection:
    host, _, port = arguments.cache.rpartition(":")
    host, port = arguments.host or host, arguments.port or int(port)
    try:
        connection = Connection(host, port, arguments.timeout_s)
    except OSError as error:
        _fail(f"Could not connect to Valkey at {host}:{port}: {error.strerror or error}")
    password = arguments.password or os.environ.get("VALKEYCLI_AUTH") or os.environ.get("REDISCLI_AUTH")
    if password is not None:
        words = ["AUTH", *((arguments.user,) if arguments.user else ()), password]
        if isinstance(said := connection.ask(*words), Refusal):
            print(f"AUTH failed: {said}", file=sys.stderr)  # and goes on, as the real one does
    if arguments.database is not None and isinstance(
        said := connection.ask("SELECT", arguments.database), Refusal
    ):
        _fail(f"SELECT {arguments.database} failed: {said}")
    return connection


def _scan(connection: Connection, pattern: str, count: int) -> Iterator[bytes]:
    cursor: Reply = b"0"
    while True:
        assert isinstance(cursor, bytes)
        said = connection.ask("SCAN", cursor, "MATCH", pattern, "COUNT", count)
        if not isinstance(said, list):
            _fail(f"ERROR: {raw(said).decode(errors='replace').strip()}")
        cursor, keys = said
        assert isinstance(keys, list)
        yield from (key for key in keys if isinstance(key, bytes))
        if cursor == b"0":
            return


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line says; ends the process with 1 when that is not possible."""
    as_raw = arguments.raw or not (arguments.no_raw or sys.stdout.isatty())

    def put(reply: Reply) -> None:
        sys.stdout.buffer.write(raw(reply) + b"\n" if as_raw else shown(reply).encode())
        sys.stdout.flush()

    with _connect(arguments) as connection:
        if arguments.scan:
            for key in _scan(connection, arguments.pattern, arguments.count):
                put(key)
            return
        words = [os.fsencode(word) for word in arguments.command]
        if arguments.last_from_stdin:
            words.append(sys.stdin.buffer.read())
        if not words:
            _fail("valkey-cli: got no command, expected one such as 'INFO memory'.")
        if words[0].upper() in _ENDLESS:
            _fail(
                f"valkey-cli: {words[0].decode()}: this stand-in does not follow what a server goes on to say."
            )
        for number in range(arguments.repeat):
            if number:
                time.sleep(arguments.interval_s)
            connection.send(words)
            reply = connection.reply()
            if isinstance(reply, Refusal) and arguments.exit_code:
                _fail(str(reply))
            put(reply)


def main() -> None:
    """The tool: exit 0 also when the server refuses a command, unless -e is given, as the real one."""
    try:
        run(_parser().parse_args())
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        _fail(f"Error: {error.strerror or error}")
