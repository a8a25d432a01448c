"""The edge before real HTTP servers that answer, hang, break off or refuse."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

ANSWER_S = 10


class Replica:
    """An HTTP server that does what the path says and remembers what it got."""

    def __init__(self, name, port=0):
        self.name = name
        self.healthy = True
        self.seen = []
        self.release = threading.Event()  # ends what hangs
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/healthz":
                    return self.respond(200 if replica.healthy else 503, {})
                replica.seen.append((self.command, self.path, body, dict(self.headers)))
                if "/hang" in self.path:
                    replica.release.wait(30)
                if "/break" in self.path:
                    self.close_connection = True
                    return self.connection.shutdown(socket.SHUT_RDWR)
                return self.respond(500 if "/bug" in self.path else 200, {"replica": replica.name})

            do_POST = do_GET

            def respond(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Replica", replica.name)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                replica.connections.append(connection)
                return connection, address

            def handle_error(self, request, client_address):
                pass  # a connection that the edge or we cut

        self.connections = []
        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Gone as a killed process is: refuses, and its connections are cut."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def replicas():
    both = [Replica("one"), Replica("two")]
    yield both
    for replica in both:
        replica.stop()


@pytest.fixture
def edge(start_edge, replicas):
    return start_edge({"intake": [replica.url for replica in replicas]})


def get(edge, path, **how):
    return edge.session.get(edge.url + path, timeout=ANSWER_S, **how)


def post(edge, path, **how):
    return edge.session.post(edge.url + path, timeout=ANSWER_S, **how)


def test_goes_round_the_replicas(edge):
    assert [get(edge, "/responses").headers["X-Replica"] for _ in range(4)] == ["one", "two"] * 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/responses", 200),
        ("/responses/1", 200),
        ("/responses?survey=1", 200),
        ("/responses2", 404),
        ("/", 404),
        ("/healthz", 404),
        ("/dashboard/summary", 503),  # a service without replicas
    ],
)
def test_routes_whole_path_segments(edge, path, status):
    assert get(edge, path).status_code == status


def test_passes_a_request_on_as_it_came(edge, replicas):
    path = "/responses/a%2Fb%20c?survey=%E4%BC%9A&x=1+2"
    get(
        edge, path, headers={"X-Kept": "会".encode(), "Connection": "keep-alive, X-Dropped", "TE": "trailers"}
    )
    [(method, seen, _, headers)] = replicas[0].seen
    assert (method, seen) == ("GET", path)
    assert headers["X-Kept"].encode("latin-1").decode() == "会"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Request-Id"]
    assert "TE" not in headers
    post(edge, "/responses", data=b"\x00\xff" * 1000)
    assert replicas[1].seen[0][2] == b"\x00\xff" * 1000
    assert post(edge, "/responses", data=b"x" * 1_100_000).status_code == 413


def test_a_refused_request_goes_to_another_replica_whatever_its_method(start_edge, replicas):
    # Health checks that never come show what a request itself finds out.
    edge = start_edge({"intake": [replica.url for replica in replicas]}, health_every_s=3600)
    replicas[0].stop()
    assert [post(edge, "/responses", data=b"1").status_code for _ in range(4)] == [200] * 4
    assert [method for method, *_ in replicas[1].seen] == ["POST"] * 4
    assert edge.metric('edge_retries_total{service="intake"}') == 1  # then it knows


def test_a_post_that_breaks_off_is_never_sent_again(edge, replicas):
    response = post(edge, "/responses/break", data=b"1")
    assert response.status_code == 502
    assert "broke off" in response.json()["error"]
    assert len(replicas[0].seen) + len(replicas[1].seen) == 1


def test_a_get_that_breaks_off_is_sent_to_another_replica(edge, replicas):
    assert get(edge, "/responses/break").status_code == 502
    assert {len(replica.seen) > 0 for replica in replicas} == {True}


def test_an_answer_that_comes_too_late_is_a_504(start_edge, replicas):
    edge = start_edge({"intake": [replica.url for replica in replicas]}, timeout_s=0.3)
    assert get(edge, "/responses/hang").status_code == 504
    assert edge.metric('edge_requests_total{service="intake",code="504"}') == 1
    assert get(edge, "/responses").status_code == 200


def test_health_takes_replicas_out_and_in(edge, replicas, wait_for):
    def usable():
        return [edge.metric(f'edge_replica_usable{{service="intake",replica="intake-{n}"}}') for n in (1, 2)]

    replicas[0].healthy = False
    wait_for("one is out", lambda: usable() == [0, 1])
    assert {get(edge, "/responses").headers["X-Replica"] for _ in range(4)} == {"two"}
    replicas[1].healthy = False
    wait_for("both are out", lambda: usable() == [0, 0])
    response = get(edge, "/responses")
    assert (response.status_code, response.json()["error"]) == (503, "no replica of intake is healthy")
    replicas[0].healthy = True
    wait_for("one is back", lambda: usable() == [1, 0])
    assert get(edge, "/responses").status_code == 200


def test_a_replica_that_keeps_failing_is_left_alone_for_a_while(start_edge, replicas, wait_for):
    edge = start_edge({"intake": [replica.url for replica in replicas]}, timeout_s=0.2)
    replicas[1].release.set()  # only the first one hangs
    wait_for("it is ejected", lambda: get(edge, "/responses/hang") and edge.part.events("ejected"))
    [ejected] = edge.part.events("ejected")
    assert ejected["replica"] == "intake-1"
    replicas[0].release.set()
    wait_for("it gets requests again", lambda: get(edge, "/responses").headers["X-Replica"] == "one")


def test_errors_of_the_application_do_not_take_replicas_out(edge):
    assert [get(edge, "/responses/bug").status_code for _ in range(12)] == [500] * 12
    assert get(edge, "/responses").status_code == 200
    assert edge.metric('edge_requests_total{service="intake",code="500"}') == 12
    assert not edge.part.events("ejected")


def test_a_replica_that_comes_back_gets_requests(edge, replicas, wait_for):
    replicas[0].stop()
    wait_for("it is out", lambda: edge.part.events("unhealthy"))
    replicas.append(Replica("one again", replicas[0].port))
    wait_for("it is back", lambda: get(edge, "/responses").headers["X-Replica"] == "one again")


def served_certificate(edge):
    host, port = edge.config["listen"].split(":")
    return ssl.get_server_certificate((host, int(port)))


def test_sighup_takes_a_new_certificate_and_new_replicas(
    edge, replicas, wait_for, make_certificate, tmp_path
):
    old = served_certificate(edge)
    new = make_certificate(tmp_path, "new")
    shutil.copy(new.key, edge.config["key"])
    shutil.copy(new.certificate, edge.config["certificate"])
    edge.config["services"]["intake"] = [{"name": "intake-9", "url": replicas[1].url}]
    (tmp_path / "edge.json").write_text(json.dumps(edge.config))
    assert served_certificate(edge) == old
    edge.part.process.send_signal(signal.SIGHUP)
    wait_for("reloaded", lambda: edge.part.events("reloaded"))
    assert served_certificate(edge) != old
    edge.session.close()
    edge.session.verify = str(new.certificate)
    assert {get(edge, "/responses").headers["X-Replica"] for _ in range(4)} == {"two"}


def kept_connection(edge):
    """A TLS connection that has had its first answer and stays open, as browsers keep theirs."""
    context = ssl.create_default_context(cafile=edge.session.verify)
    host, port = edge.config["listen"].split(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=ANSWER_S, context=context)
    connection.request("GET", "/responses")
    assert connection.getresponse().read()
    return connection


def closed(connection):
    """Whether the other side has closed; waits for it."""
    with connection.sock as sock:
        sock.settimeout(1)
        try:
            return sock.recv(1) == b""
        except TimeoutError:
            return False


def test_sighup_makes_every_client_handshake_anew(edge, replicas, wait_for):
    idle, working, sending = kept_connection(edge), kept_connection(edge), kept_connection(edge)
    working.request("GET", "/responses/hang")
    sending.putrequest("POST", "/responses")
    sending.putheader("Content-Length", "10")
    sending.endheaders(b"first")
    wait_for("it is with the replica", lambda: any("/hang" in path for _, path, *_ in replica_seen(replicas)))
    edge.part.process.send_signal(signal.SIGHUP)
    wait_for("reloaded", lambda: edge.part.events("reloaded"))
    assert closed(idle)
    for replica in replicas:
        replica.release.set()
    sending.send(b" rest")
    for connection in (working, sending):
        response = connection.getresponse()
        assert (response.status, response.headers["Connection"]) == (200, "close")
        response.read()
    assert [body for method, _, body, _ in replica_seen(replicas) if method == "POST"] == [b"first rest"]
    new = kept_connection(edge)
    new.request("GET", "/responses")
    response = new.getresponse()
    assert (response.status, response.headers["Connection"]) == (200, None)
    new.close()


def replica_seen(replicas):
    return [seen for replica in replicas for seen in replica.seen]


@pytest.mark.parametrize("broken", ["certificate", "key", "config", "route"])
def test_sighup_refuses_what_cannot_be_used(edge, wait_for, make_certificate, tmp_path, broken):
    old = served_certificate(edge)
    config = json.loads((tmp_path / "edge.json").read_text())
    if broken == "certificate":
        shutil.copy(make_certificate(tmp_path, "other").certificate, edge.config["certificate"])
    elif broken == "key":
        (tmp_path / "edge.key").write_text("nothing")
    elif broken == "route":
        config["routes"][0]["service"] = "intaek"
    (tmp_path / "edge.json").write_text("{" if broken == "config" else json.dumps(config))
    edge.part.process.send_signal(signal.SIGHUP)
    wait_for("refused", lambda: edge.part.events("reload-refused"))
    edge.session.close()
    assert served_certificate(edge) == old
    assert get(edge, "/responses").status_code == 200


def test_sigterm_answers_what_has_begun(edge, replicas, wait_for):
    answered = []
    begun = threading.Thread(target=lambda: answered.append(get(edge, "/responses/hang").status_code))
    begun.start()
    wait_for("it is with the replica", lambda: replicas[0].seen)
    edge.part.process.send_signal(signal.SIGTERM)
    wait_for("it takes no more", lambda: refuses(edge))
    replicas[0].release.set()
    begun.join(ANSWER_S)
    assert answered == [200]
    assert edge.part.process.wait(ANSWER_S) == 0


def refuses(edge):
    host, port = edge.config["listen"].split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return True
    return False


def test_metrics_start_at_zero_and_know_the_latency(edge):
    page = requests.get(f"{edge.inside}/metrics", timeout=ANSWER_S).text
    assert 'edge_requests_total{service="intake",code="200"} 0\n' in page
    get(edge, "/responses")
    page = requests.get(f"{edge.inside}/metrics", timeout=ANSWER_S).text
    assert 'edge_requests_total{service="intake",code="200"} 1\n' in page
    assert 'edge_request_duration_seconds_count{service="intake"} 1\n' in page
    assert 'edge_request_duration_seconds_bucket{service="intake",le="+Inf"} 1\n' in page


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"listen": "127.0.0.1"}, "expected host:port"),
        ({"routes": [{"prefix": "/", "service": "x"}]}, "got service 'x', expected one of"),
        ({"routes": [{"prefix": "/"}]}, "'service' is missing"),
        ({"certificate": "/nothing.crt"}, "certificate /nothing.crt"),
        ({"services": {"intake": [{"name": "intake-1", "url": "https://x"}]}}, "got url 'https://x'"),
    ],
)
def test_a_wrong_configuration_ends_it_with_one_clear_line(parts, edge, change, why):
    part = parts.start("edge", edge.config | change)
    parts.all.remove(part)
    assert part.process.wait(ANSWER_S) == 2
    [line] = part.events("bad-config")
    assert why in line["why"]


def test_a_busy_port_ends_it_with_one_clear_line(parts, edge, free_port):
    part = parts.start("edge", edge.config | {"metrics": f"127.0.0.1:{free_port()}"})
    parts.all.remove(part)
    assert part.process.wait(ANSWER_S) == 1
    [line] = part.events("cannot-start")
    assert edge.config["listen"].partition(":")[2] in line["why"]
    assert "address already in use" in line["why"]


def test_rolling_restart_loses_no_request(postgresql, parts, start_edge, wait_for, answers):
    names = parts.names(pg_a=postgresql.port)
    replicas = [parts.intake(names, number) for number in (1, 2)]
    edge = start_edge({"intake": [url for _, url in replicas]})
    stop = threading.Event()
    codes = []

    def submit(worker):
        with requests.Session() as session:
            session.trust_env, session.verify = False, edge.session.verify
            number = 0
            while not stop.is_set():
                body = {"id": f"{worker}-{number}", "survey": "s", "text": "x", "score": 1}
                try:
                    codes.append(
                        session.post(f"{edge.url}/responses", json=body, timeout=ANSWER_S).status_code
                    )
                except requests.RequestException as error:
                    codes.append(repr(error))
                number += 1
                stop.wait(0.02)

    workers = [threading.Thread(target=submit, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    try:
        for number, (part, url) in enumerate(replicas, 1):
            seen = len(codes)
            usable = f'edge_replica_usable{{service="intake",replica="intake-{number}"}}'
            assert part.stop(signal.SIGTERM) == 0
            part.start()
            wait_for("it is healthy", lambda url=url: answers(f"{url}/healthz"))
            wait_for("the edge knows", lambda usable=usable: edge.metric(usable) == 1)
            wait_for("requests go on", lambda seen=seen: len(codes) > seen + 20)
    finally:
        stop.set()
        for worker in workers:
            worker.join(ANSWER_S)
    assert set(codes) == {201}
    assert postgresql.execute("SELECT count(*) FROM responses", "survey") == [(len(codes),)]
