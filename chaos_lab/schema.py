"""The product's database, as statements for PostgreSQL's single-user mode, which takes one a line."""

from __future__ import annotations

RETENTION = "90 days"  # how long a response is promised to be kept
BENCHMARKS = 400  # surveys `benchmark-0` to `benchmark-399`: what others answered, to compare with

# What people write, and the topics that insight finds in it.
_SAID = (
    ("The new desk booking works well.", ("workplace", "tools")),
    ("Lunch is better since spring.", ("food",)),
    ("会議が多すぎます。集中できる時間がほしいです。", ("meetings", "workload")),
    ("My manager listens.", ("management",)),
    ("Please repair the lift in building B.", ("workplace",)),
)

_WRITTEN = """
CREATE TABLE responses (
    id text PRIMARY KEY,
    survey text NOT NULL,
    text text NOT NULL,
    score integer,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX responses_of_survey ON responses (survey, received_at);

-- What is to be handed on: to the queue, and to the person as a thank-you. Written in the same transaction
-- as the response.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    response_id text NOT NULL REFERENCES responses (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    handed_on_at timestamptz,
    mailed_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE handed_on_at IS NULL;
CREATE INDEX outbox_unmailed ON outbox (id) WHERE mailed_at IS NULL;
CREATE INDEX outbox_of_response ON outbox (response_id);

-- Batches of analysed responses, each an object in storage.
CREATE TABLE exports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    survey text NOT NULL,
    object_key text NOT NULL,
    responses integer NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX exports_open ON exports (id) WHERE status <> 'done';

-- What insight found. It belongs to another service than the responses: no foreign key between them.
CREATE TABLE analyses (
    response_id text PRIMARY KEY,
    survey text NOT NULL,
    topics text[] NOT NULL,
    analysed_at timestamptz NOT NULL DEFAULT now(),
    export_id bigint REFERENCES exports (id)
);
CREATE INDEX analyses_of_survey ON analyses (survey);
CREATE INDEX analyses_not_exported ON analyses (survey) WHERE export_id IS NULL;
CREATE INDEX analyses_of_export ON analyses (export_id);

-- UPDATE, since locking a row to be sure of it (SELECT … FOR UPDATE) needs that right.
GRANT SELECT, INSERT, UPDATE ON responses, outbox, analyses, exports TO app;
-- A job that removes what is older than was promised to keep.
GRANT SELECT, DELETE ON responses, outbox TO retention;

-- Who deleted how much, whoever it was and however: written by triggers, in the same transaction.
CREATE TABLE deletions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    role text NOT NULL DEFAULT session_user,
    application text NOT NULL DEFAULT current_setting('application_name'),
    from_table text NOT NULL,
    rows bigint NOT NULL,
    too_young bigint NOT NULL,
    statement text NOT NULL DEFAULT left(current_query(), 1000)
);
CREATE INDEX deletions_at ON deletions (at);
GRANT SELECT (at, from_table, rows, too_young) ON deletions TO prober;
-- UPDATE is what LOCK TABLE asks for; the report wants figures that belong together.
GRANT SELECT, UPDATE ON responses, outbox, analyses, exports TO reporting;

INSERT INTO responses (id, survey, text, score, received_at)
SELECT 'welcome-' || n, 'welcome', (ARRAY[{texts}])[1 + n % {said}], n % 6, now() - n * interval '1 hour'
FROM generate_series(1, 200) AS n;
INSERT INTO outbox (response_id, created_at, handed_on_at, mailed_at)
SELECT id, received_at, received_at, received_at FROM responses ORDER BY received_at;

-- Bought from a market researcher, not handed in: nothing of it waits in the outbox.
INSERT INTO responses (id, survey, text, score, received_at)
SELECT
    'benchmark-' || b || '-' || n,
    'benchmark-' || b,
    (ARRAY[{texts}])[1 + (b + n) % {said}],
    (b * 7 + n) % 6,
    now() - (b + n) * interval '1 minute'
FROM generate_series(0, {last_benchmark}) AS b, generate_series(1, 5) AS n;

INSERT INTO exports (survey, object_key, responses, status, attempts)
VALUES ('seed', 'batches/seed/1.jsonl', 0, 'done', 1);
INSERT INTO analyses (response_id, survey, topics, analysed_at, export_id)
SELECT id, survey, {topics}, received_at, 1 FROM responses;

"""
# A trigger's own semicolons end no statement. They run as the owner: who may delete need not be able to forge this.
_NOTED = [
    f"""
CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO deletions (from_table, rows, too_young)
    SELECT TG_TABLE_NAME, count(*),
           count(*) FILTER (WHERE (to_jsonb(gone)->>TG_ARGV[0])::timestamptz > now() - interval '{RETENTION}')
    FROM gone HAVING count(*) > 0;
    RETURN NULL;
END $$
""",
    f"""
CREATE FUNCTION note_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO deletions (from_table, rows, too_young) SELECT %L, count(*),
         count(*) FILTER (WHERE %I > now() - interval ''{RETENTION}'') FROM %I HAVING count(*) > 0',
        TG_TABLE_NAME, TG_ARGV[0], TG_TABLE_NAME);
    RETURN NULL;
END $$
""",
    *(
        statement
        for table, since in (("responses", "received_at"), ("outbox", "created_at"))
        for statement in (
            f"CREATE TRIGGER note_deletion AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone "
            f"FOR EACH STATEMENT EXECUTE FUNCTION note_deletion('{since}')",
            f"CREATE TRIGGER note_truncation BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION note_truncation('{since}')",
        )
    ),
]
_AT_LAST = "VACUUM (FREEZE, ANALYZE)"


def statements() -> list[str]:
    """Every statement on one line, without comments."""
    texts = ", ".join(f"'{text}'" for text, _ in _SAID)
    cases = " ".join(
        f"WHEN '{text}' THEN ARRAY[{', '.join(repr(topic) for topic in topics)}]" for text, topics in _SAID
    )
    written = _WRITTEN.format(
        texts=texts, said=len(_SAID), last_benchmark=BENCHMARKS - 1, topics=f"CASE text {cases} END"
    )
    lines = [line for line in written.splitlines() if not line.lstrip().startswith("--")]
    written_one_by_one = [statement for statement in "\n".join(lines).split(";") if statement.strip()]
    return [" ".join(statement.split()) for statement in (*written_one_by_one, *_NOTED, _AT_LAST)]
