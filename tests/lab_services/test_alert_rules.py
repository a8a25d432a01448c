"""What rules say about samples, without a clock: time is a number."""

from __future__ import annotations

import pytest

from chaos_lab.services.alerting.rules import State, parse_rule, seconds
from chaos_lab.services.alerting.samples import Samples
from chaos_lab.services.metrics import parse, parse_selector
from chaos_lab.services.process import BadConfig

BELOW = {"metric": "writable", "below": 1, "for": "1s"}
RATIO = {
    "ratio": {"of": 'r{service="intake",code="500"}', "to": 'r{service="intake"}', "over": "5s"},
    "above": 0.02,
    "for": "500ms",
}


def state(rule):
    return State(parse_rule({"name": "R", "summary": "s", "runbook_url": "u", "rule": rule}), 0.0)


def run(rule, pages, every=0.5):
    """The rule's states over pages of metrics (None: no page), one each half second."""
    samples, subject, shown = Samples(), state(rule), []
    for number, page in enumerate(pages):
        now = number * every
        if page is not None:
            samples.add("source", now, parse(page))
        subject.evaluate(samples, now)
        shown.append(subject.shown(now)["state"])
    return shown


def test_a_threshold_fires_only_after_its_time_and_calms_down_at_once():
    pages = ["writable 1", "writable 0", "writable 0", "writable 0", "writable 0", "writable 1"]
    assert run(BELOW, pages) == ["inactive", "pending", "pending", "firing", "firing", "inactive"]


def test_a_short_dip_does_not_fire():
    assert "firing" not in run(BELOW, ["writable 0", "writable 0", "writable 1"] * 5)


def test_a_metric_is_the_sum_of_the_series_that_match():
    samples = Samples()
    samples.add(
        "source", 0, parse('up{node="a",zone="1"} 1\nup{node="b",zone="1"} 1\nup{node="c",zone="2"} 1')
    )
    assert samples.current(parse_selector('up{zone="1"}'), 0) == 2
    assert samples.current(parse_selector("up"), 0) == 3
    assert samples.current(parse_selector('up{zone="3"}'), 0) is None


def nodes(*free):
    return "\n".join(f'free{{node="{name}"}} {value}' for name, value in zip("abc", free, strict=True))


@pytest.mark.parametrize(
    ("rule", "page", "last"),
    [
        ({"min": "free", "below": 2}, nodes(18, 19, 20), "inactive"),
        ({"min": "free", "below": 2}, nodes(18, 19, 1), "firing"),
        ({"min": "free", "below": 2}, nodes(0, 19, 20), "firing"),
        ({"min": 'free{node="a"}', "below": 2}, nodes(18, 0, 0), "inactive"),
        ({"max": "free", "above": 2}, nodes(1.5, 1.5, 0), "inactive"),
        ({"max": "free", "above": 2}, nodes(0, 0, 2.5), "firing"),
        ({"metric": "free", "above": 2}, nodes(1.5, 1.5, 0), "firing"),
    ],
)
def test_the_least_and_the_greatest_of_a_metrics_series(rule, page, last):
    assert run(rule, [page])[-1] == last


def test_the_least_of_nothing_is_no_data():
    assert run({"min": "free", "below": 2}, ["other 1"] * 14)[-1] == "no data"


def test_no_data_is_neither_fine_nor_firing_and_is_told_after_a_while():
    shown = run(BELOW, ["writable 1"] + [None] * 15)
    assert shown[:5] == ["inactive"] * 5
    assert shown[-1] == "no data"
    firing = run(BELOW, ["writable 0"] * 4 + [None] * 4)
    assert firing[-1] == "firing"  # an alert does not end because nobody can see


def test_data_that_comes_back_ends_no_data():
    assert run(BELOW, [None] * 12 + ["writable 1"])[-2:] == ["no data", "inactive"]


def intake(good, bad=None):
    page = f'r{{service="intake",code="201"}} {good}\nr{{service="dashboard",code="500"}} 99'
    return page if bad is None else f'{page}\nr{{service="intake",code="500"}} {bad}'


@pytest.mark.parametrize(
    ("pages", "last"),
    [
        pytest.param([intake(n * 10) for n in range(8)], "inactive", id="no errors ever"),
        pytest.param([intake(n * 10, n) for n in range(8)], "firing", id="one in eleven"),
        pytest.param([intake(0), intake(10, 1), intake(20, 2), intake(30, 3)], "firing", id="first error counts"),
        pytest.param([intake(n * 99, n) for n in range(8)], "inactive", id="one in a hundred"),
        pytest.param([intake(50, 50)] * 8, "inactive", id="no traffic"),
        pytest.param([intake(50 + n, 50) for n in range(8)], "inactive", id="errors of long ago"),
        pytest.param([intake(n % 4 * 10, 0) for n in range(12)], "inactive", id="restarts"),
        pytest.param(
            [intake(90, 10), intake(5, 5), intake(10, 10), intake(15, 15)], "firing", id="errors after a restart"
        ),
        pytest.param([intake(n * 10, n) for n in range(8)] + [intake(70 + n * 10, 7) for n in range(12)],
                     "inactive", id="errors end"),
    ],
)  # fmt: skip
def test_a_ratio_of_counters(pages, last):
    assert run(RATIO, pages)[-1] == last


def test_a_ratio_without_its_counter_is_no_data():
    assert run(RATIO, ["other 1"] * 14)[-1] == "no data"


RESTARTS = {"increase": {"of": 'n{service="intake"}', "over": "2s"}, "above": 0}


def restarts(one, two=None):
    page = f'n{{service="intake",part="1"}} {one}\nn{{service="edge",part="e"}} 9'
    return page if two is None else f'{page}\nn{{service="intake",part="2"}} {two}'


@pytest.mark.parametrize(
    ("pages", "last"),
    [
        pytest.param([restarts(3, 4)] * 6, "inactive", id="those of before we looked"),
        pytest.param([restarts(3, 4), restarts(4, 4)], "firing", id="one more"),
        pytest.param([restarts(3, 4), restarts(4, 4), *[restarts(4, 4)] * 5], "inactive", id="window over"),
        pytest.param([restarts(0), restarts(0, 1)], "firing", id="a series that begins"),
        pytest.param([restarts(3, 4), restarts(1, 4)], "firing", id="counted anew"),
        pytest.param([restarts(3, 4), *[restarts(3)] * 9, restarts(3, 4)], "inactive", id="gone and back"),
        pytest.param([restarts(3, 4), *["n 1"] * 9, restarts(3, 5)], "firing", id="grown meanwhile"),
        pytest.param(['n{service="edge"} 1', 'n{service="edge"} 2'], "inactive", id="not begun to count"),
    ],
)
def test_an_increase(pages, last):
    assert run(RESTARTS, pages)[-1] == last


def test_an_increase_of_what_nobody_counts_is_no_data():
    assert run(RESTARTS, ["other 1"] * 14)[-1] == "no data"


def test_sources_add_up():
    samples = Samples()
    for number, source in enumerate(("intake-1", "intake-2"), 1):
        for at in (0.0, 1.0):
            samples.add(source, at, parse(f"free {number}\nn {number * 10 * at}\nall {100 * at}"))
    free, counter, total = (parse_selector(name) for name in ("free", "n", "all"))
    assert samples.current(free, 1.0) == 3
    assert samples.increase(counter, 5, 1.0) == 30
    assert samples.increases(counter, total, 5, 1.0) == (30, 200)
    samples.add("intake-2", 4.0, parse("free 2\nn 20\nall 100"))
    assert samples.current(free, 4.0) == 2  # what the other said is too old


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "expected either below or above"),
        ({"metric": "a", "below": 1, "above": 2}, "expected either below or above"),
        ({"below": 1}, "expected one of metric, min, max, ratio and increase"),
        (
            {"metric": "a", "increase": {"of": "a", "over": "1s"}, "below": 1},
            "expected one of metric, min, max",
        ),
        ({"increase": {"of": "a"}, "above": 0}, "'over' is missing"),
        ({"increase": {"of": "a", "over": "2m"}, "above": 0}, "over: got '2m', expected at most 60s"),
        ({"metric": "a", "below": 1, "fro": "1s"}, "unknown fro"),
        ({"metric": "a b", "below": 1}, "got 'a b', expected a metric"),
        ({"metric": "a{b=1}", "below": 1}, "got 'b=1'"),
        ({"metric": "a", "below": 1, "for": "soon"}, "got 'soon', expected a duration"),
        ({"ratio": {"of": "a", "to": "b"}, "above": 1}, "'over' is missing"),
        ({"metric": "a", "below": "x"}, "could not convert"),
    ],
)
def test_a_rule_that_cannot_be_understood_names_what_is_wrong(rule, why):
    with pytest.raises(BadConfig, match="rules: R: ") as caught:
        state(rule)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("1s", 1), ("2m", 120), ("1.5h", 5400), (3, 3), (0.5, 0.5)]
)
def test_durations(text, value):
    assert seconds(text) == value
