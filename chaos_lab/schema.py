"""The product's database, as statements for PostgreSQL's single-user mode, which takes one a line."""

from __future__ import annotations

_WRITTEN = """
CREATE TABLE responses (
    id text PRIMARY KEY,
    survey text NOT NULL,
    text text NOT NULL,
    score integer,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX responses_of_survey ON responses (survey, received_at);

-- What is to be handed on to the queue; written in the same transaction as the response.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    response_id text NOT NULL REFERENCES responses (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    handed_on_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE handed_on_at IS NULL;

-- UPDATE, since locking a row to be sure of it (SELECT … FOR UPDATE) needs that right.
GRANT SELECT, INSERT, UPDATE ON responses, outbox TO app;

INSERT INTO responses (id, survey, text, score, received_at)
SELECT
    'welcome-' || n,
    'welcome',
    (ARRAY[
        'The new desk booking works well.',
        'Lunch is better since spring.',
        '会議が多すぎます。集中できる時間がほしいです。',
        'My manager listens.',
        'Please repair the lift in building B.'
    ])[1 + n % 5],
    n % 6,
    now() - n * interval '1 hour'
FROM generate_series(1, 200) AS n;
INSERT INTO outbox (response_id, created_at, handed_on_at)
SELECT id, received_at, received_at FROM responses ORDER BY received_at;

VACUUM (FREEZE, ANALYZE);
"""


def statements() -> list[str]:
    """Every statement on one line, without comments."""
    lines = [line for line in _WRITTEN.splitlines() if not line.lstrip().startswith("--")]
    return [" ".join(statement.split()) for statement in "\n".join(lines).split(";") if statement.strip()]
