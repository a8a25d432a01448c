"""What a thing may be mistaken for."""

from __future__ import annotations

import pytest

from chaos_ext.proving.things import Things, mistaken

LOOKS = {
    "postgresql": {"nodes": {"pg-a": {}, "pg-b": {}}, "tables": {"exports": {}, "responses": {}}},
    "cloud": {"buckets": {"exports": {}}, "queues": {"main": {}, "dead": {}}},
    "cache": {"never_expires": {"benchmark": "there", "session": "there"}},
}
THINGS = Things.seen(LOOKS, [["pg-a", "pg-b", "pg-c"]])


@pytest.mark.parametrize(
    ("value", "hit", "kind", "others"),
    [
        pytest.param("pg-a", (), "", ["pg-b", "pg-c"], id="siblings of the environment"),
        pytest.param("pg-a", ("pg-a", "pg-b"), "", ["pg-c"], id="not what is hit too"),
        pytest.param("responses", (), "", ["exports"], id="side by side in a look"),
        pytest.param("exports", (), "bucket", [], id="the only one of what it is called"),
        pytest.param("exports", (), "", ["responses"], id="nobody says what it is"),
        pytest.param("benchmark:", (), "", ["session:"], id="a prefix of keys"),
        pytest.param("http://127.0.0.1:1/a/main", (), "", ["http://127.0.0.1:1/a/dead"], id="an address"),
        pytest.param("unheard-of", (), "", [], id="unknown"),
    ],
)
def test_others_of_a_kind(value, hit, kind, others):
    assert THINGS.others(value, hit, kind) == others


def test_every_argument_and_every_item_of_a_list_is_mistaken_by_itself():
    made = dict(mistaken({"nodes": ["pg-a", "pg-b"], "table": "responses", "keys": 400}, THINGS))
    assert made == {
        "nodes: pg-a -> pg-c": {"nodes": ["pg-c", "pg-b"], "table": "responses", "keys": 400},
        "nodes: pg-b -> pg-c": {"nodes": ["pg-a", "pg-c"], "table": "responses", "keys": 400},
        "table: responses -> exports": {"nodes": ["pg-a", "pg-b"], "table": "exports", "keys": 400},
    }
