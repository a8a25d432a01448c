"""Which revision of a runbook a link names."""

from __future__ import annotations

import hashlib

import pytest

from chaos_ext.alerts import links
from chaos_ext.model import Alerts

DIGEST = hashlib.sha256(b"# It is down\n").hexdigest()


def alerts(base="https://example.com/catalog/", **fields):
    return Alerts.model_validate(
        {"source": "alertmanager", "url": "u", "poll": "1s", "runbook_base_url": base, "rules": [], **fields}
    )


def test_a_link_ends_with_the_revision_where_the_environment_says_so():
    made = links.link(alerts(link_revision=True), "runbooks/a.md", DIGEST)
    assert made == f"https://example.com/catalog/runbooks/a.md?revision={DIGEST[:12]}"
    assert links.without_revision(made) == links.link(alerts(), "runbooks/a.md", DIGEST)
    assert links.is_of(links.revision(made), DIGEST)


def test_a_base_with_a_query_keeps_it():
    made = links.link(alerts("https://example.com/?page=", link_revision=True), "runbooks/a.md", DIGEST)
    assert links.revision(made) == DIGEST[:12]
    assert links.without_revision(made) == "https://example.com/?page=runbooks/a.md"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://example.com/a.md?revision=ABCDEF0", "abcdef0"),
        ("https://example.com/a.md?revision=abcdef", ""),  # too short to mean one
        ("https://example.com/a.md?revision=latest", ""),
        ("https://example.com/a.md", ""),
        ("https://[::1/a.md?revision=abcdef0", ""),
        ("", ""),
    ],
)
def test_what_a_link_names(url, named):
    assert links.revision(url) == named


def test_no_revision_is_no_ones():
    assert not links.is_of("", DIGEST)
    assert not links.is_of("0" * 12, DIGEST)


def test_digests_are_those_of_the_runbook_that_is_followed(tmp_path):
    from chaos_ext.runbook import parse

    page = tmp_path / "catalog" / "runbooks" / "a.md"
    page.parent.mkdir(parents=True)
    page.write_text("# それは落ちている\n", encoding="utf-8")
    assert (
        links.digest_of(tmp_path, "runbooks/a.md")
        == parse.parse_text(page.read_text(encoding="utf-8"), page).digest
    )
    assert links.digest_of(tmp_path, "none") is None
