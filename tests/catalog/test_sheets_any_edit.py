"""Whatever is edited comes back, and nothing else changes."""

from __future__ import annotations

from typing import Any

from catalog.workbooks import MODE, at, edited, exported, planned
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chaos_ext.catalog import load
from chaos_ext.sheets import rows
from chaos_ext.sheets.columns import PRODUCT, Kind

_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"), include_characters="\n"),
    max_size=30,
)
_sentences = _words.map(str.strip).filter(bool)
_BY_KIND = {
    Kind.TEXT: _sentences.filter(lambda text: "\n" not in text),
    Kind.SENTENCE: _sentences,
    Kind.LEVEL: st.integers(1, 3),
    Kind.COUNT: st.integers(0, 99),
}
_COLUMNS = [c for c in PRODUCT.columns if c.kind in _BY_KIND and c.key != "product"]
_edits = st.dictionaries(st.sampled_from(_COLUMNS), st.none(), min_size=1, max_size=4).flatmap(
    lambda chosen: st.fixed_dictionaries({column: _BY_KIND[column.kind] for column in chosen})
)


_NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]  # each example is a whole import


@settings(max_examples=15, phases=_NO_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=_edits, language=st.sampled_from(["en", "ja"]))
def test_what_is_edited_comes_back_and_nothing_else_changes(described_project, edits, language):
    original = (described_project.root / MODE).read_bytes()
    try:
        path = exported(described_project.root, language)

        def edit(book: Any) -> None:
            for column, value in edits.items():
                cell = at(book[PRODUCT.title(language)], column.heading(language))
                cell.value = value
                cell.data_type = "s" if isinstance(value, str) else "n"

        edited(path, edit)
        before = load.catalog(described_project.root)
        told = rows.rows(before, "lab", {}, language)["product"][0].values
        plan = planned(described_project.root, path)
        plan.draft.write()
        after = rows.rows(load.catalog(described_project.root), "lab", {}, language)["product"][0].values
        wanted = {**told, **{column.key: value for column, value in edits.items()}}
        computed = ("priority", "here")
        assert {k: after[k] for k in after if k not in computed} == {
            k: wanted[k] for k in after if k not in computed
        }
        assert planned(described_project.root, path).changes == []
        touched = {str(change.at[0]) for change in plan.changes}
        kept = [
            line for line in original.decode().splitlines() if line.split(":")[0] in _keys(original) - touched
        ]
        now = (described_project.root / MODE).read_text(encoding="utf-8").splitlines()
        assert [line for line in now if line in kept] == kept
    finally:
        (described_project.root / MODE).write_bytes(original)


def _keys(raw: bytes) -> set[str]:
    return {line.split(":")[0] for line in raw.decode().splitlines() if line[:1].isalpha()}
