"""Environments: found, understood, filled, with every gap named by file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext import environments
from chaos_ext.errors import UsageError
from chaos_ext.fresh import lab_parts
from chaos_ext.model import Environment, LabPart
from chaos_lab import guests

ROOT = Path(__file__).resolve().parent.parent
FACTS = {
    "schema": 1,
    "marker": "m-1",
    "dir": "/labs/x",
    "edge": {"url": "https://127.0.0.1:8443", "ca_file": "/labs/x/ca.pem"},
    "alertmanager": {"url": "http://127.0.0.1:9093"},
    "pager": {"url": "http://127.0.0.1:8082"},
    "postgresql": {
        "service_file": "/labs/x/service",
        "pass_file": "/labs/x/pass",
        "user": None,
        "nodes": {"pg-a": {"port": 5432}},
    },
    "cache": {"host": "127.0.0.1", "port": 6379},
    "cloud": {
        "queue_url": "http://127.0.0.1:4566/1/q.fifo",
        "dead_letter_url": "http://127.0.0.1:4566/1/dead.fifo",
        "bucket": "exports",
    },
    "providers": {"identity": "http://127.0.0.1:8081/identity", "mail": "http://127.0.0.1:8081/mail"},
    "tls": "/labs/x/tls",
    "conf": "/labs/x/conf",
    "volumes": {"dir": "/labs/x/volumes", "limited": True},
    "data": "/labs/x/data",
    "logs": "/labs/x/logs",
    "bin": "/labs/x/bin",
}


def _environment(**changes: object) -> Environment:
    return environments.load("lab", ROOT).model_copy(update=changes)


@pytest.fixture
def elsewhere(tmp_path):
    """A project that has one environment with secrets."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "environments").mkdir()
    text = (ROOT / "environments" / "lab.yaml").read_text(encoding="utf-8")
    secrets = "secrets:\n  PASSWORD: {file: secrets/password}\n  TOKEN: {env: MY_TOKEN}\n"
    (tmp_path / "environments" / "lab.yaml").write_text(text + secrets, encoding="utf-8")
    return tmp_path


def test_everything_shipped_is_filled_from_what_a_lab_says():
    filled = environments.fill(_environment(), FACTS, {})
    assert "${" not in filled.model_dump_json()
    assert filled.identity == {"lab": {"marker": "m-1", "directory": "/labs/x"}}
    assert filled.base_url == "https://127.0.0.1:8443"
    assert filled.alerts.url == "http://127.0.0.1:9093"
    assert filled.variables["PGPASSFILE"] == "/labs/x/pass"
    assert filled.path == ("/labs/x/bin",)
    assert filled.windows == _environment().windows


def test_each_gap_is_named_with_its_line_and_the_nearest_fact():
    facts = json.loads(json.dumps(FACTS))
    facts["edge"]["uri"] = facts["edge"].pop("url")
    del facts["postgresql"]["pass_file"]
    with pytest.raises(UsageError) as refused:
        environments.fill(_environment(), facts, {})
    lines = (ROOT / "environments" / "lab.yaml").read_text(encoding="utf-8").splitlines()
    base, url, passfile = (
        next(number for number, line in enumerate(lines, 1) if line.strip().startswith(key))
        for key in ("base_url:", "EDGE_URL:", "PGPASSFILE:")
    )
    end = "expected a placeholder that has a value."
    assert str(refused.value).splitlines() == [
        f"environments/lab.yaml:{base}: base_url: got '${{lab.edge.url}}', {end} Did you mean 'uri'?",
        f"environments/lab.yaml:{url}: variables.EDGE_URL: got '${{lab.edge.url}}', {end} Did you mean 'uri'?",
        f"environments/lab.yaml:{passfile}: variables.PGPASSFILE: got '${{lab.postgresql.pass_file}}', {end}"
        " There are: nodes, service_file, user.",
    ]


@pytest.mark.parametrize(
    ("placeholder", "hint"),
    [
        ("${lab.postgresql.user}", "The lab says that it has none."),
        ("${lab.postgresql.nodes}", "It holds more than one value: pg-a."),
        ("${lab.postgresql.nodes.pg-b.port}", "Did you mean 'pg-a'?"),
        ("${env.NOT_SET}", "Set the variable NOT_SET."),
        ("${HOME}", "Placeholders begin with 'lab.', 'rehearsal.' or 'env.'."),
        ("${lab}", "Placeholders begin with 'lab.', 'rehearsal.' or 'env.'."),
        ("${}", "Placeholders begin with 'lab.', 'rehearsal.' or 'env.'."),
    ],
)
def test_a_placeholder_without_a_value_says_what_to_do(placeholder, hint):
    with pytest.raises(UsageError) as refused:
        environments.fill(_environment(variables={"X": placeholder}), FACTS, {})
    assert f"variables.X: got '{placeholder}', expected a placeholder that has a value." in str(refused.value)
    assert hint in str(refused.value)


def test_values_come_from_facts_and_variables_and_are_not_filled_again():
    environment = _environment(
        variables={
            "A": "${env.ONE}-${lab.postgresql.nodes.pg-a.port}",
            "B": "$HOME $$ {x}",
            "C": "${env.EVIL}",
        }
    )
    filled = environments.fill(environment, FACTS, {"ONE": "1", "EVIL": "${lab.marker}"})
    assert filled.variables == {"A": "1-5432", "B": "$HOME $$ {x}", "C": "${lab.marker}"}


def test_without_a_lab_its_facts_have_no_value():
    with pytest.raises(UsageError, match="No lab was asked"):
        environments.fill(_environment(), {}, {})


@given(
    values=st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20), min_size=1)
)
def test_any_fact_arrives_unchanged(values):
    environment = _environment(variables={name.upper(): f"<${{lab.facts.{name}}}>" for name in values})
    filled = environments.fill(environment, {**FACTS, "facts": values}, {})
    assert filled.variables == {name.upper(): f"<{value}>" for name, value in values.items()}


# --- where things are ----------------------------------------------------------------------------


def test_the_project_is_found_from_below(tmp_path, monkeypatch, elsewhere):
    below = elsewhere / "catalog" / "runbooks"
    below.mkdir()
    monkeypatch.delenv("CHAOS_PROJECT")
    monkeypatch.delenv("CHAOS_STATE")
    monkeypatch.chdir(below)
    assert environments.project_root() == elsewhere
    assert environments.state_dir() == elsewhere / ".chaos"
    assert environments.names() == ["lab"]


def test_variables_say_where_project_and_state_are(tmp_path, monkeypatch, elsewhere):
    monkeypatch.setenv("CHAOS_PROJECT", str(elsewhere))
    monkeypatch.setenv("CHAOS_STATE", str(tmp_path / "state"))
    assert environments.project_root() == elsewhere
    assert environments.state_dir() == tmp_path / "state"


def test_no_project_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAOS_PROJECT", str(tmp_path))
    with pytest.raises(UsageError) as refused:
        environments.project_root()
    assert str(refused.value) == (
        f"CHAOS_PROJECT: got '{tmp_path}', expected a folder that holds catalog/ and environments/. "
        "Go to your project, or set CHAOS_PROJECT to its path."
    )


def test_an_unknown_environment_gets_the_nearest():
    with pytest.raises(UsageError) as refused:
        environments.load("lap", ROOT)
    assert str(refused.value).startswith(
        "ENV: got 'lap', expected the name of an environment. Did you mean 'lab'?"
    )


def test_the_digest_is_of_the_file(elsewhere):
    before = environments.digest("lab", elsewhere)
    path = elsewhere / "environments" / "lab.yaml"
    path.write_bytes(path.read_bytes() + b"# more\n")
    assert len(before) == 64
    assert environments.digest("lab", elsewhere) != before


def test_what_a_part_says_is_the_labs_to_fill_in():
    """`${port}` of a program that the lab runs besides is not known here, and `${lab.…}` there is no fact."""
    part = LabPart(
        name="web",
        command=("web", "${port}"),
        health="/healthz",
        files={"a.ini": "port = ${port.pg-a}"},
        environment={"DATA": "${data}"},
    )
    filled = environments.fill(_environment(parts=(part,)), FACTS, {})
    assert filled.parts == (part,)
    assert filled.base_url == "https://127.0.0.1:8443"


def test_parts_reach_the_lab_as_it_reads_them():
    """What the toolkit writes for `up --parts` is what the lab understands."""
    loaded = environments.load("lab", ROOT / "examples" / "kinto")
    (guest,) = guests.of_json(json.loads(json.dumps(lab_parts(loaded))))
    assert (guest.name, guest.health) == ("kinto", "/v1/__heartbeat__")
    assert guest.command == loaded.parts[0].command
    assert guest.files == loaded.parts[0].files
