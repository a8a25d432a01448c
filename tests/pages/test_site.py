"""The catalogue's site: every page of it, in both languages, from files alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from history.conftest import MODE, write_trial
from pages.conftest import Page, shown
from verdict.conftest import Runs

from chaos_ext import environments
from chaos_ext.catalog import load
from chaos_ext.cli.catalog import catalog as command
from chaos_ext.history import bundle
from chaos_ext.history.status import NEVER, Standing
from chaos_ext.language import Language
from chaos_ext.model import Arm, Verdict, VerdictWord
from chaos_ext.pages.proofs import Place, Proof
from chaos_ext.pages.prose import prose
from chaos_ext.pages.site import LANGUAGES, Site, files
from chaos_ext.runbook.parse import parse_text

ROOT = Path(__file__).parents[2]
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\u202egnp"


@pytest.fixture(scope="module")
def site() -> Site:
    """The shipped catalogue: one mode proven, one stale, one refuted, and the others never tried."""
    catalog = load.catalog(ROOT)
    environment = environments.load("lab", ROOT)
    runs = Runs()
    looked = runs.no_action(arm=Arm.LOOK_ONLY, number=3)  # which proves nothing of the runbook
    run = shown(runs.run(runs.treatment(), runs.no_action(), looked))
    stands = {mode.id: Standing(mode.id, "lab", NEVER, mode.priority) for mode in catalog.modes.values()}
    tried = {
        "run_id": "20261128T224640996Z-store-down-dbde",
        "started": "2026-11-28T22:46:41.001Z",
        "arms": ("treatment=1",),
    }
    for mode, word, verdict in (
        (MODE, "verified", "verified"),
        ("redis-memory-full", "stale", "verified"),
        ("postgresql-lock-held", "refuted", "refuted"),
    ):
        stands[mode] = Standing(
            mode, "lab", word, 6, verdict, changed=("runbook",) if word == "stale" else (), **tried
        )  # type: ignore[arg-type]
    proofs = {
        mode: Proof(each, run, "2026-11-27T01:02:03Z" if each.word != "verified" else each.started, 2)
        for mode, each in stands.items()
        if each.word != NEVER
    }
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "catalog/runbooks").glob("*.md")}
    runbooks = {stem: (parse_text(text, Path(f"{stem}.md")), text) for stem, text in texts.items()}
    return Site(catalog, [Place(environment, {}, stands, proofs)], runbooks, "2026-11-28T23:00:00+00:00")


@pytest.fixture(scope="module")
def written(site: Site) -> dict[PurePosixPath, str]:
    return dict(files(site, "ja"))


@pytest.fixture(scope="module")
def read(written: dict[PurePosixPath, str]) -> dict[PurePosixPath, Page]:
    return {path: Page(text) for path, text in written.items()}


def test_every_mode_and_every_runbook_has_a_page_in_both_languages(
    site: Site, read: dict[PurePosixPath, Page]
) -> None:
    expected = {"index.html", "services.html"}
    expected |= {f"modes/{mode}.html" for mode in site.catalog.modes}
    expected |= {f"runbooks/{stem}.html" for stem in site.runbooks}
    assert {str(path) for path in read} == {"index.html"} | {
        f"{lang}/{each}" for lang in LANGUAGES for each in expected
    }
    for path, page in read.items():
        assert (page.wrong, page.open) == ([], []), path
        assert ("html", {"lang": path.parts[0] if len(path.parts) > 1 else "ja"}) in page.tags, path


def _leads(path: PurePosixPath, page: Page) -> Iterator[tuple[PurePosixPath, str]]:
    for href in page.having("href"):
        if not href.startswith(("http://", "https://")):
            target, _, anchor = unquote(href).partition("#")
            yield PurePosixPath(os.path.normpath(path.parent / target) if target else path), anchor


def test_every_link_leads_somewhere(read: dict[PurePosixPath, Page]) -> None:
    """By relative paths, so that it works from a disk."""
    broken = [
        f"{path}: {target}#{anchor}"
        for path, page in read.items()
        for target, anchor in _leads(path, page)
        if target not in read or (anchor and anchor not in read[target].having("id"))
    ]
    assert broken == []


def test_everything_can_be_reached_from_the_start(read: dict[PurePosixPath, Page]) -> None:
    seen, waiting = set(), [PurePosixPath("index.html")]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [target for target, _ in _leads(path, read[path])]
    assert set(read) - seen == set()


def test_nothing_is_asked_for_and_only_our_own_script_runs(written: dict[PurePosixPath, str]) -> None:
    for path, text in written.items():
        page = Page(text)
        assert page.having("src") == page.having("style") == [], path
        assert not {"link", "img", "iframe", "form"} & {tag for tag, _ in page.tags}, path
        scripts = sum(tag == "script" for tag, _ in page.tags)
        assert scripts == (path.name in ("index.html", "services.html") and len(path.parts) > 1), path
        assert ("script-src" in text) is bool(scripts), path


def test_a_runbook_says_where_it_was_proven(read: dict[PurePosixPath, Page]) -> None:
    page = read[PurePosixPath("en/runbooks") / f"{MODE}.html"]
    assert "Proven in lab on 2026-11-28 22:46 UTC, in 2 trials that count." in page.text
    assert "Last step report: lab, 2026-11-28 22:46 UTC" in page.text
    assert "Step: start mitigate ✓ 1 of 1" in page.text
    assert "Step 5: Promote the new primary" in page.text
    stale = read[PurePosixPath("en/runbooks/redis-memory-full.html")]
    assert "Changed since: runbook." in stale.text
    never = read[PurePosixPath("en/runbooks/redis-cold-cache-stampede.html")]
    assert "Nobody has followed this runbook" in never.text
    refuted = read[PurePosixPath("en/modes/postgresql-lock-held.html")]
    assert (
        "Not proven by the last run in lab, on 2026-11-28 22:46 UTC. It was on 2026-11-27 01:02 UTC."
        in refuted.text
    )


def test_the_tables_say_how_each_mode_stands(read: dict[PurePosixPath, Page]) -> None:
    page = read[PurePosixPath("en/index.html")]
    assert page.text.index("verified 1") < page.text.index("stale 1") < page.text.index("never tried 10")
    services = read[PurePosixPath("en/services.html")]
    assert "gap" in services.text
    assert "What is tried of each dependency" in services.text


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("promote the new primary", {MODE}),  # a step of its runbook
        ("postgresqlprimarydown", {MODE}),  # its alert
        ("プライマリが停止", {MODE}),  # the other language
        ("verified", {MODE}),  # how it stands
        ("destroy-primary", {MODE}),  # its fault
        ("unobtainium", set()),
    ],
)
def test_a_search_finds_what_people_type(
    written: dict[PurePosixPath, str], typed: str, found: set[str]
) -> None:
    """As search.js does it: every word somewhere in the row's text or its words."""
    rows = written[PurePosixPath("en/index.html")].split("<tbody>")[1].split("<tr ")[1:]
    hits = set()
    for row in rows:
        page = Page(f"<tr {row.split('</tr>')[0]}</tr>")
        text = (page.text + " " + page.having("data-words")[0]).lower()
        if all(word in text for word in typed.lower().split()):
            hits.add(page.having("href")[0].removeprefix("modes/").removesuffix(".html"))
    assert hits == found


def test_no_english_is_left_on_a_japanese_table(read: dict[PurePosixPath, Page]) -> None:
    import re

    texts = [re.sub("「[^」]*」", "", text) for text in read[PurePosixPath("ja/index.html")].texts]
    titles = {step for step in texts if re.search(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", step)}
    runbooks = {" ".join(text.split()) for text in titles}
    assert all(
        re.match(r"[A-Z]", title) for title in runbooks
    )  # runbooks are written in one language: their titles
    assert len(runbooks) <= 13


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_of_a_catalogue_are_only_shown(site: Site, language: Language) -> None:
    mode = site.catalog.modes[MODE]
    spoiled = mode.model_copy(
        update={"title": HOSTILE, "event": HOSTILE, "owner": HOSTILE, "also_known_as": (HOSTILE,)}
    )
    catalog = replace(site.catalog, modes={**site.catalog.modes, MODE: spoiled})
    _, text = site.runbooks[MODE]
    text = text.replace(
        "## Meaning",
        f"## Meaning\n\n{HOSTILE}\n\n[x](javascript:alert(1)) ![y](https://evil.example/p.png) [z](../../etc/passwd)\n",
    )
    runbooks = {**site.runbooks, MODE: (parse_text(text, Path("x.md")), text)}
    for path, written in files(replace(site, catalog=catalog, runbooks=runbooks), language):
        page = Page(written)
        assert (page.wrong, page.open) == ([], []), path
        assert not {"img"} & {tag for tag, _ in page.tags}, path
        assert page.having("onerror") == [], path
        assert not [href for href in page.having("href") if "javascript" in href or "passwd" in href], path
        assert "\x1b" not in written, path
        assert "\u202e" not in written, path


def test_a_runbooks_links_lead_to_its_own_headings_and_to_other_runbooks() -> None:
    text = "---\nshell: bash\n---\n\n# Title\n\n## Verification\n\n[a](#verification) [b](other.md#step-1) [c](lost.md) [d](https://example.com/)\n"
    page = Page(str(prose(text, {"other"})))
    assert page.having("href") == ["#verification", "other.html#step-1", "https://example.com/"]
    assert page.having("id") == ["verification"]
    assert page.text == "Verification a b c d"


# --- the command ---------------------------------------------------------------------------------


def _site(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, ["site", *words])
    return done.exit_code, done.output


def test_the_command_writes_a_site_and_writes_it_anew(
    new_run: Callable[[], Path],
    tmp_path: Path,
) -> None:
    run = new_run()
    write_trial(run, "01-treatment")
    bundle.seal(run, Verdict(VerdictWord.UNKNOWN, (), (), "Nothing.", 4))
    target = tmp_path / "public"
    code, told = _site("--output", str(target))
    assert code == 0, told
    assert str(target / "index.html") in told
    (target / "en" / "old.html").write_text("old", encoding="utf-8")
    assert _site("--output", str(target))[0] == 0
    assert not (target / "en" / "old.html").exists()
    assert "Never proven in lab" in (target / "en/modes" / f"{MODE}.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir() if "public" in path.name] == ["public"]


def test_a_folder_of_others_is_not_written_over(new_run: Callable[[], Path], tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "thesis.txt").write_text("mine", encoding="utf-8")
    code, told = _site("--output", str(target))
    assert code == 2
    assert "holds something else" in told
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]
    (target / "thesis.txt").unlink()
    assert _site("--output", str(target))[0] == 0
    shutil.rmtree(target)


def test_made_at_a_time_that_is_told(site: Site) -> None:
    later = replace(site, made=datetime(2027, 1, 2, 3, 4, tzinfo=UTC).isoformat())
    assert "2027-01-02 03:04 UTC" in dict(files(later, "en"))[PurePosixPath("en/index.html")]
