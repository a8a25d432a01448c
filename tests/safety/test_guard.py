"""The guard asks a real supervisord, and refuses whenever it is not sure."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from chaos_ext import environments
from chaos_ext.errors import Blocked
from chaos_ext.model import Environment, Place
from chaos_ext.safety import guard


def test_proven(shared_place):
    proofs = guard.prove_identity(shared_place.identity, shared_place.facts)
    assert ("lab marker", shared_place.marker, shared_place.marker) in [
        (proof.kind, proof.expected, proof.got) for proof in proofs
    ]
    assert {proof.kind for proof in proofs} > {"lab marker", "lab directory by its facts"}


def test_proves_a_place(shared_place):
    shipped = environments.load("lab")
    filled = Environment.model_validate(
        {**shipped.model_dump(by_alias=True, mode="json"), "identity": shared_place.identity}
    )
    assert guard.prove(Place(filled, shared_place.marker, shared_place.facts))


@pytest.mark.parametrize(
    ("identity", "facts", "says"),
    [
        pytest.param({"marker": "another"}, {}, "lab marker: got", id="the daemon says another marker"),
        pytest.param({"marker": ""}, {}, "no marker", id="no marker to prove"),
        pytest.param({"directory": ""}, {}, "no directory", id="no directory to prove"),
        pytest.param({"directory": "/nowhere"}, {}, "/nowhere/run/supervisor.sock", id="nothing there"),
        pytest.param({}, {"dir": "/elsewhere"}, "directory by its facts", id="facts of another directory"),
        pytest.param({}, {"marker": "another"}, "marker by its facts", id="facts of another lab"),
        pytest.param(
            {}, {"supervisor": {"socket": "/x"}}, "socket by its facts", id="facts of another socket"
        ),
        pytest.param({}, {"supervisor": None}, "socket by its facts", id="facts without a socket"),
        pytest.param({}, {"dir": None, "marker": None}, "by its facts", id="facts without anything"),
    ],
)
def test_any_doubt_refuses(shared_place, identity, facts, says):
    expected = {"lab": {**shared_place.identity["lab"], **identity}}
    with pytest.raises(Blocked, match=says):
        guard.prove_identity(expected, {**shared_place.facts, **facts})


@pytest.mark.parametrize(
    ("identity", "says"), [({}, "nothing to prove"), ({"moon": {"phase": "full"}}, "moon.*cannot be proven")]
)
def test_what_nobody_can_prove_refuses(identity, says):
    with pytest.raises(Blocked, match=says):
        guard.prove_identity(identity, {})


def test_one_kind_that_cannot_be_proven_refuses_all(shared_place):
    with pytest.raises(Blocked, match="moon"):
        guard.prove_identity({**shared_place.identity, "moon": {}}, shared_place.facts)


def test_dead_place_refuses(own_place):
    own_place.stop()
    with pytest.raises(Blocked, match=r"supervisor\.sock"):
        guard.prove_identity(own_place.identity, own_place.facts)


def test_place_that_does_not_answer_refuses(own_place):
    os.kill(own_place.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Blocked, match="timed out"):
            guard.prove_identity(own_place.identity, own_place.facts)
    finally:
        os.kill(own_place.process.pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.0 500 no\r\n\r\n", b"HTTP/1.0 200 ok\r\n\r\n<a/>", b"\0\0\0\n"]
)
def test_answers_that_make_no_sense_refuse(own_place, answer, tmp_path):
    own_place.stop()
    path = own_place.directory / "run" / "supervisor.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        server.settimeout(20)
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Blocked):
            guard.prove_identity(own_place.identity, own_place.facts)
        thread.join(20)


def test_a_plain_file_is_not_a_supervisor(own_place):
    own_place.stop()
    path = own_place.directory / "run" / "supervisor.sock"
    path.unlink(missing_ok=True)
    path.write_text("")
    with pytest.raises(Blocked, match="not our socket"):
        guard.prove_identity(own_place.identity, own_place.facts)


def test_gone_means_directory_and_processes(own_place):
    assert not guard.is_gone(own_place.identity)
    own_place.stop()
    assert not guard.is_gone(own_place.identity)
    moved = Path(f"{own_place.directory}-moved")
    own_place.directory.rename(moved)
    try:
        assert guard.is_gone(own_place.identity)
    finally:
        moved.rename(own_place.directory)


def test_not_gone_while_a_process_of_it_lives(own_place):
    moved = Path(f"{own_place.directory}-moved")
    own_place.directory.rename(moved)
    try:
        assert not guard.is_gone(own_place.identity)
    finally:
        moved.rename(own_place.directory)


@pytest.mark.parametrize("identity", [{}, {"aws": {"account": "1"}}, {"lab": {}}, {"lab": {"directory": ""}}])
def test_what_is_not_a_lab_is_never_gone(identity):
    assert not guard.is_gone(identity)
