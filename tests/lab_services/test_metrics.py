from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_lab.services.metrics import Counter, Gauge, Histogram, page, parse


@given(st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=5))
def test_what_is_written_is_read_back(values):
    counter = Gauge("m", "Text.", "label")
    for label, number in values.items():
        counter.set(number, label)
    assert parse(_text(counter)) == {("m", (("label", label),)): number for label, number in values.items()}


def _text(*metrics):
    body = page(*metrics).body
    assert isinstance(body, bytes)
    return body.decode()


def test_the_page():
    counter = Counter("requests_total", "Requests answered.", "service", "code")
    counter.add("intake", "200")
    counter.add("intake", "200", amount=2)
    histogram = Histogram("seconds", "Time.", buckets=(0.1, 1.0))
    for number in (0.05, 0.1, 0.5, 7):
        histogram.observe(number)
    assert _text(counter, histogram).splitlines() == [
        "# HELP requests_total Requests answered.",
        "# TYPE requests_total counter",
        'requests_total{service="intake",code="200"} 3',
        "# HELP seconds Time.",
        "# TYPE seconds histogram",
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="1.0"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 7.6500000000000004",
        "seconds_count 4",
    ]


def test_reads_what_others_write():
    text = '# TYPE a counter\n\na{x="1,}\\"\\n",y="2",} 1e3 1700000000\nb NaN\nc +Inf\n'
    samples = parse(text)
    assert samples["a", (("x", '1,}"\n'), ("y", "2"))] == 1000
    assert samples["c", ()] == float("inf")
    assert samples["b", ()] != samples["b", ()]


@pytest.mark.parametrize("line", ["a", "a{b} 1", 'a{b="1} 1', "a one", "<html>"])
def test_refuses_what_is_no_sample(line):
    with pytest.raises(ValueError, match=r"expected|could not convert"):
        parse(line)
