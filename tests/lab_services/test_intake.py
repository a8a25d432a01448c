from __future__ import annotations

import requests


def submission(id: str = "r-1", **fields: object) -> dict[str, object]:
    return {"id": id, "survey": "s-1", "text": "My manager listens.", "score": 4, **fields}


def test_acknowledges_what_is_stored_and_handed_on(postgresql, parts):
    _, url = parts.intake(parts.names(pg_a=postgresql.port))
    text = "会議が多すぎます。"
    response = requests.post(f"{url}/responses", json=submission(text=f"  {text}\n"), timeout=5)
    assert (response.status_code, response.json()) == (201, {"id": "r-1"})
    assert postgresql.execute("SELECT id, survey, text, score FROM responses", "survey") == [
        ("r-1", "s-1", text, 4)
    ]
    assert postgresql.execute("SELECT response_id FROM outbox", "survey") == [("r-1",)]
    assert requests.get(f"{url}/responses/r-1", timeout=5).json()["text"] == text
    listed = requests.get(f"{url}/responses", params={"survey": "s-1"}, timeout=5).json()["responses"]
    assert [(row["id"], row["text"]) for row in listed] == [("r-1", text)]
