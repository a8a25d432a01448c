"""All services together, as the lab starts them."""

from __future__ import annotations

import requests

RUNBOOK = "https://example.org/runbook"


def test_a_submission_and_its_summary_through_everything(
    postgresql, parts, start_edge, wait_for, answers, free_port
):
    ways = {
        name: f"127.0.0.1:{free_port()}" for name in ("intake->pg-a", "dashboard->pg-c", "edge->intake-1")
    }
    names = parts.names(
        pg_a=int(ways["intake->pg-a"].partition(":")[2]), pg_c=int(ways["dashboard->pg-c"].partition(":")[2])
    )
    _, intake = parts.intake(names)
    _, dashboard = parts.dashboard(names)
    upstreams = [f"127.0.0.1:{postgresql.port}"] * 2 + [intake.removeprefix("http://")]
    listen = f"127.0.0.1:{free_port()}"
    proxies = [
        {"name": name, "listen": way, "upstream": upstream}
        for (name, way), upstream in zip(ways.items(), upstreams, strict=True)
    ]
    parts.start("faultproxy", {"listen": listen, "proxies": proxies})
    wait_for("the network is up", lambda: answers(f"http://{listen}/healthz"))
    edge = start_edge({"intake": [f"http://{ways['edge->intake-1']}"], "dashboard": [dashboard]})
    alerting = f"127.0.0.1:{free_port()}"
    rule = {"metric": "pg_writable_nodes", "below": 1, "for": "1s", "labels": {"severity": "page"}}
    rules = [{"name": "PostgresqlPrimaryDown", "runbook_url": RUNBOOK, "summary": "No node", "rule": rule}]
    config = {
        "listen": alerting,
        "every_s": 0.5,
        "scrape": {"edge": f"{edge.inside}/metrics"},
        "postgresql": {"pg-a": f"127.0.0.1:{postgresql.port}", "pg-b": f"127.0.0.1:{free_port()}"},
        "user": "app",
        "dbname": "survey",
        "rules": rules,
    }
    parts.start("alerting", config)
    wait_for("alerting looks", lambda: answers(f"http://{alerting}/healthz"))
    wait_for(
        "replicas are usable",
        lambda: edge.metric('edge_replica_usable{service="intake",replica="intake-1"}') == 1,
    )

    def alerts():
        return requests.get(f"http://{alerting}/api/v2/alerts", timeout=5).json()

    body = {"id": "r-1", "survey": "s 1", "text": "会議が多すぎます。", "score": 4}
    assert edge.session.post(f"{edge.url}/responses", json=body, timeout=5).status_code == 201
    summary = edge.session.get(f"{edge.url}/dashboard/summary", params={"survey": "s 1"}, timeout=5)
    assert summary.status_code == 200
    assert (summary.json()["responses"], summary.json()["newest"]["id"]) == (1, "r-1")
    assert alerts() == []

    postgresql.stop()
    [alert] = wait_for("the alert fires", lambda: alerts())
    assert alert["labels"] == {"alertname": "PostgresqlPrimaryDown", "severity": "page"}
    assert alert["annotations"]["runbook_url"] == RUNBOOK
    body["id"] = "r-2"
    assert edge.session.post(f"{edge.url}/responses", json=body, timeout=5).status_code == 503
    assert edge.metric('edge_requests_total{service="intake",code="503"}') == 1

    postgresql.start()
    assert edge.session.post(f"{edge.url}/responses", json=body, timeout=5).status_code == 201
    wait_for("the alert is over", lambda: alerts() == [])
