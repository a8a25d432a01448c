"""`valkey-cli`, the stand-in: what it prints is what the real one prints, for a server that is real."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peers import need_program

from chaos_lab import valkey_cli
from chaos_lab.valkey import Connection, Refusal, Status

Facts = dict[str, Any]
# Commands, and what the real valkey-cli prints for each when its output is no terminal.
PRINTED = [
    (["PING"], b"PONG\n"),
    (["PING", "two words"], b"two words\n"),
    (["SET", "cli:text", "会議\n2"], b"OK\n"),
    (["GET", "cli:text"], "会議\n2\n".encode()),
    (["GET", "cli:missing"], b"\n"),
    (["INCRBY", "cli:number", "42"], b"42\n"),
    (["EXISTS", "cli:missing"], b"0\n"),
    (["RPUSH", "cli:list", "a", "", "b"], b"3\n"),
    (["LRANGE", "cli:list", "0", "-1"], b"a\n\nb\n"),
    (["LRANGE", "cli:missing", "0", "-1"], b"\n"),
    (["HSET", "cli:hash", "k", "v"], b"1\n"),
    (["HGETALL", "cli:hash"], b"k\nv\n"),
    (["MGET", "cli:number", "cli:missing"], b"42\n\n"),
    (["CONFIG", "GET", "maxmemory-policy"], b"maxmemory-policy\nnoeviction\n"),
    (["TYPE", "cli:hash"], b"hash\n"),
    (["LPOP", "cli:hash"], b"WRONGTYPE Operation against a key holding the wrong kind of value\n\n"),
    (["DEL", "cli:text", "cli:number", "cli:list", "cli:hash"], b"4\n"),
]


@pytest.fixture
def cache(running_lab: Facts) -> Iterator[Connection]:
    """The shared lab's cache, without what a test put there."""
    with Connection(running_lab["cache"]["host"], running_lab["cache"]["port"], 5) as connection:
        yield connection
        keys = connection.ask("KEYS", "cli:*")
        assert isinstance(keys, list)
        if keys:
            connection.ask("DEL", *[key for key in keys if isinstance(key, bytes)])


def run(facts: Facts, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    path = f"{facts['bin']}:/usr/bin:/bin"
    return subprocess.run(
        ["valkey-cli", *words], env={"PATH": path}, input=stdin, capture_output=True, timeout=30, check=False
    )


def test_it_prints_what_the_real_one_prints(running_lab: Facts, cache: Connection) -> None:
    for words, printed in PRINTED:
        done = run(running_lab, *words)
        assert (words, done.returncode, done.stdout, done.stderr) == (words, 0, printed, b"")


@pytest.mark.peers
def test_the_real_one_prints_that(running_lab: Facts, cache: Connection) -> None:
    real = need_program("valkey-cli", "redis-cli", package="valkey-tools or redis-tools")
    address = ["-h", running_lab["cache"]["host"], "-p", str(running_lab["cache"]["port"])]
    for words, printed in PRINTED:
        done = subprocess.run([real, *address, *words], capture_output=True, timeout=30, check=False)
        assert (words, done.returncode, done.stdout) == (words, 0, printed)


def test_for_a_terminal_it_prints_what_kind_of_reply_it_is(running_lab: Facts, cache: Connection) -> None:
    main, terminal = pty.openpty()
    path = f"{running_lab['bin']}:/usr/bin:/bin"
    with subprocess.Popen(
        ["valkey-cli", "EVAL", "return {1,'x\\n',false,{2,{}}}", "0"], env={"PATH": path}, stdout=terminal
    ):
        os.close(terminal)
    said = os.read(main, 4096).decode().replace("\r\n", "\n")
    os.close(main)
    assert said == '1) (integer) 1\n2) "x\\n"\n3) (nil)\n4) 1) (integer) 2\n   2) (empty array)\n'


@pytest.mark.parametrize(
    ("reply", "printed"),
    [
        (Status(b"OK"), "OK\n"),
        (b'a "b" \\ \x00 \xff', '"a \\"b\\" \\\\ \\x00 \\xff"\n'),
        (None, "(nil)\n"),
        (-1, "(integer) -1\n"),
        (Refusal("OOM command not allowed"), "(error) OOM command not allowed\n"),
        ([], "(empty array)\n"),
        ([1] * 10, "".join(f"{number:>2}) (integer) 1\n" for number in range(1, 11))),
    ],
    ids=repr,
)
def test_replies_for_people(reply: Any, printed: str) -> None:
    assert valkey_cli.shown(reply) == printed


def test_scan_lists_every_key_that_matches_once(running_lab: Facts, cache: Connection) -> None:
    for number in range(50):
        cache.ask("SET", f"cli:{number}", "x")
    listed = run(running_lab, "--scan", "--pattern", "cli:*").stdout.decode().split()
    assert sorted(listed) == sorted(f"cli:{number}" for number in range(50))
    # As runbooks use it.
    line = "valkey-cli --scan --pattern 'cli:*' | xargs valkey-cli DEL"
    path = f"{running_lab['bin']}:/usr/bin:/bin"
    gone = subprocess.run(["sh", "-c", line], env={"PATH": path}, capture_output=True, check=True)
    assert gone.stdout == b"50\n"


def test_the_last_word_from_standard_input_and_repeating(running_lab: Facts, cache: Connection) -> None:
    assert run(running_lab, "-x", "SET", "cli:input", stdin=b"\x00 bytes").stdout == b"OK\n"
    assert cache.ask("GET", "cli:input") == b"\x00 bytes"
    assert run(running_lab, "-r", "3", "INCR", "cli:times").stdout == b"1\n2\n3\n"


def test_refusals_and_a_server_that_is_not_there(running_lab: Facts, cache: Connection) -> None:
    refused = run(running_lab, "-e", "LPOP")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr == b"ERR wrong number of arguments for 'lpop' command\n"
    nobody = run(running_lab, "-h", "127.0.0.1", "-p", "1", "PING")
    assert (nobody.returncode, nobody.stdout) == (1, b"")
    assert nobody.stderr == b"Could not connect to Valkey at 127.0.0.1:1: Connection refused\n"
    endless = run(running_lab, "MONITOR")
    assert (endless.returncode, len(endless.stderr.splitlines())) == (1, 1)


def test_acl_users(running_lab: Facts, cache: Connection) -> None:
    cache.ask("ACL", "SETUSER", "reader", "on", ">secret", "~cli:*", "+get", "+ping")
    try:
        assert run(running_lab, "--user", "reader", "--pass", "secret", "PING").stdout == b"PONG\n"
        refused = run(running_lab, "--user", "reader", "--pass", "secret", "SET", "cli:x", "1")
        assert b"NOPERM" in refused.stdout
        assert b"AUTH failed: WRONGPASS" in run(running_lab, "--user", "reader", "-a", "no", "PING").stderr
    finally:
        cache.ask("ACL", "DELUSER", "reader")


def test_a_cache_that_is_full_refuses_and_keeps_what_it_has(
    operate: Callable[..., Any], running_lab: Facts, cache: Connection
) -> None:
    """What the lab promises to failure modes: 16 MB, and nothing is thrown away for what is new."""
    assert operate("valkey-cli", "CONFIG", "GET", "maxmemory").out == f"maxmemory\n{16 * 1024**2}\n"
    cache.ask("SET", "cli:kept", "x")
    cache.ask("CONFIG", "SET", "maxmemory", "1mb")
    try:
        refused = operate("valkey-cli", "SET", "cli:more", "x").out
        assert refused == "OOM command not allowed when used memory > 'maxmemory'.\n\n"
        assert operate("valkey-cli", "GET", "cli:kept").out == "x\n"
    finally:
        cache.ask("CONFIG", "SET", "maxmemory", "16mb")
