"""The file of samples: what is written is read, and a killed writer spoils only its last line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.meter import samples
from chaos_ext.meter.samples import Sample, SampleFile

times = st.floats(0, 1e6).map(lambda t: round(t, 6))
whys = st.one_of(st.just(""), st.text(min_size=1, max_size=30))
some = st.builds(
    lambda n, at, why, fresh: Sample("submit", n, at[0], at[1], at[2], not why, why, fresh),
    st.integers(0, 10**6),
    st.tuples(times, times, times),
    whys,
    st.booleans(),
)


@given(st.lists(some, max_size=20), st.data())
def test_read_gives_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, kept: list[Sample], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("samples") / "samples.jsonl"
    file = SampleFile(path)
    for sample in kept:
        file.add(sample)
        if data.draw(st.booleans()):
            file.flush()
    file.flush()
    file.close()
    assert samples.read(path) == kept
    whole = path.read_bytes()
    if kept:  # cut anywhere in the last line
        last = len(samples.encode(kept[-1]).encode())
        path.write_bytes(whole[: len(whole) - data.draw(st.integers(2, last))])
        assert samples.read(path) == kept[:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '{"flow":"a"\n{"flow":"b"}\n', "samples.jsonl:1: not a whole JSON object", id="torn-inside"
        ),
        pytest.param("[1]\n", "samples.jsonl:1: not a JSON object", id="not-an-object"),
        pytest.param('{"flow":"a","number":1}\n', "a sample without 'scheduled'", id="a-field-is-missing"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=expected):
        samples.read(path)


def test_a_full_disk_reaches_the_caller() -> None:
    file = SampleFile(Path("/dev/full"))
    file.add(Sample("f", 0, 0, 0, 0, True))
    with pytest.raises(OSError, match="No space left"):
        file.flush()
