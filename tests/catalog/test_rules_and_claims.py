"""What is wrong with alert rules, with what flows lean on, and with claims: told with the line and what to try."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.catalog import check
from chaos_ext.model import AlertRule
from chaos_lab.services.alerting.rules import parse_rule

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"
PLACE = "environments/lab.yaml"
RULE = "{name: RedisFull, runbook: none, summary: Redis is full}"

# a rule as it stands in the environment, and what is wrong with it
RULES = [
    ("a misspelt key", "{metric: redis_up, belov: 1}", [
        "RULES.belov: got the unknown key 'belov', expected a known one. Did you mean 'below'?",
    ]),
    ("a misspelt kind", "{metrik: redis_up, below: 1}", [
        "RULES.metrik: got the unknown key 'metrik', expected a known one. Did you mean 'metric'?",
    ]),
    ("no kind", "{below: 1}", ["RULES: got a mapping, expected exactly one of metric, min, max, ratio, increase."]),
    ("two kinds", "{metric: a, increase: {of: b, over: 5s}, above: 1}", [
        "RULES: got a mapping, expected exactly one of metric, min, max, ratio, increase.",
    ]),
    ("two readings of one metric", "{min: a, max: a, above: 1}", [
        "RULES: got a mapping, expected exactly one of metric, min, max, ratio, increase.",
    ]),
    ("no side", "{metric: redis_up}", ["RULES: got a mapping, expected exactly one of below, above."]),
    ("two sides", "{metric: redis_up, below: 1, above: 2}", [
        "RULES: got a mapping, expected exactly one of below, above.",
    ]),
    ("a misspelt key inside", "{ratio: {of: a, too: b, over: 5s}, above: 1}", [
        "RULES.ratio.too: got the unknown key 'too', expected a known one. Did you mean 'to'?",
    ]),
    ("a key that is missing inside", "{increase: {of: a}, above: 1}", [
        "RULES.increase.over: got nothing, expected a value such as '500ms' or '3s'. Add 'over: …'.",
    ]),
    ("a duration without a unit", "{metric: a, above: 1, for: 2}", [
        "RULES.for: got 2, expected a duration with a unit, such as '500ms', '3s', '2m' or '90d'.",
    ]),
    ("a bound that is no number", "{metric: a, above: many}", ["RULES.above: got 'many', expected a number."]),
    ("a metric that is none", "{metric: 'a b', above: 1}", ["""RULES.metric: got 'a b', expected a value such as 'up{part="a"}'."""]),
    ("labels that are a list", "{metric: a, above: 1, labels: [page]}", ["RULES.labels: got a list, expected a mapping."]),
]  # fmt: skip


def problems(project: Any) -> list[str]:
    told = [str(problem) for problem in check.check(project.root, compiled=False).problems]
    return [p.replace(MODE, "MODE").replace(f"{PLACE}:15: alerts.rules[0].rule", "RULES") for p in told]


@pytest.mark.parametrize(("rule", "messages"), [case[1:] for case in RULES], ids=[case[0] for case in RULES])
def test_a_rule_that_the_alerting_would_refuse(good_project: Any, rule: str, messages: list[str]) -> None:
    good_project.edit(PLACE, RULE, f"{RULE[:-1]}, rule: {rule}}}")
    assert problems(good_project) == messages


selectors = st.sampled_from(["redis_up", 'pg_up{node="a"}', 'edge_requests_total{service="x",code="500"}'])
durations = st.sampled_from(["500ms", "1s", "1.5s", "30s", "1m"])
kinds = st.one_of(
    st.fixed_dictionaries({"metric": selectors}),
    st.fixed_dictionaries({"min": selectors}),
    st.fixed_dictionaries({"max": selectors}),
    st.fixed_dictionaries(
        {"ratio": st.fixed_dictionaries({"of": selectors, "to": selectors, "over": durations})}
    ),
    st.fixed_dictionaries({"increase": st.fixed_dictionaries({"of": selectors, "over": durations})}),
)
bounds = st.tuples(st.sampled_from(["below", "above"]), st.floats(0, 1000) | st.integers(0, 10))
more = st.fixed_dictionaries(
    {},
    optional={
        "for": durations,
        "labels": st.dictionaries(st.sampled_from(["team", "severity"]), st.just("sre")),
    },
)


@given(kind=kinds, bound=bounds, rest=more)
def test_a_rule_that_is_understood_here_is_understood_by_the_labs_alerting(
    kind: dict[str, Any], bound: tuple[str, float], rest: dict[str, Any]
) -> None:
    written = {**kind, bound[0]: bound[1], **rest}
    rule = AlertRule.model_validate({"name": "A", "runbook": "none", "summary": "s", "rule": written})
    told = parse_rule({"name": "A", "rule": rule.as_written()})
    straight = parse_rule({"name": "A", "rule": written})
    for field in ("bound", "side", "for_s", "metric", "of_series", "ratio", "increase", "labels"):
        assert getattr(told, field) == getattr(straight, field)


FLOW = """\
  ask:
    title: Ask
    service: intake
    slo: {success: 99%, latency: 500ms}
    deadline: 2s
    per_second: 5
"""
FLOWS = [
    ("a flow that follows one that is not there", "request: {path: '/k/${followed.id}'}", "follows: {flow: submitt, after: 2s}", [
        "follows.flow: got 'submitt', expected a flow of this file that writes. Did you mean 'submit'?",
    ]),
    ("a flow that follows one that does not write", "request: {path: '/k/${followed.id}'}", "follows: {flow: ask, after: 2s}", [
        "follows.flow: got 'ask', expected a flow of this file that writes. There is: submit.",
    ]),
    ("a flow that follows and does not ask", "request: {path: /k}", "follows: {flow: submit, after: 2s}", [
        "request: got 'follows' without '${followed.id}', expected the write that is asked about.",
    ]),
    ("a flow that asks and does not follow", "request: {path: '/k/${followed.id}'}", "", [
        "request: got '${followed.id}', expected a 'follows' beside the request that says whose writes.",
    ]),
    ("late is the same as good", "request: {path: '/k/${followed.id}'}", "follows: {flow: submit, after: 2s, late_status: 200}", [
        "follows.late_status: got 200, which is the request's expect_status, expected another status: the answer while it is not there yet.",
    ]),
    ("a freshness of nobody's writes", "request: {path: /k}", "fresh: {of: other, within: 2s, newest: newest.id, count: n}", [
        "fresh.of: got 'other', expected a flow of this file that writes. There is: submit.",
    ]),
    ("a cycle without an end", "request: {path: '/k?n=${cycle}'}", "", [
        "request: got '${cycle}' without a cycle, expected a number to count up to. Add 'cycle: 100'.",
    ]),
    ("a cycle of one", "request: {path: '/k?n=${cycle}', cycle: 1}", "", [
        "request.cycle: got 1, expected a whole number from 2 to 1000000.",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_line", "more_line", "messages"), [case[1:] for case in FLOWS], ids=[case[0] for case in FLOWS]
)
def test_a_flow_that_leans_on_nothing(
    good_project: Any, request_line: str, more_line: str, messages: list[str]
) -> None:
    text = (good_project.root / SERVICES).read_text(encoding="utf-8")
    lines = "".join(f"    {line}\n" for line in (request_line, more_line) if line)
    good_project.write(SERVICES, text + FLOW + lines)
    told = [p.split(": flows.ask.", 1)[1] for p in problems(good_project)]
    assert told == messages


CLAIMS = [
    ("possible in an unknown flow", "flows: {submit: degraded}\n  possible: {submitt: late}", [
        "impact.possible.submitt: got 'submitt', expected a user flow of catalog/services.yaml. Did you mean 'submit'?",
    ]),
    ("sure and possible", "flows: {submit: degraded}\n  possible: {submit: degraded}", [
        "impact.possible.submit: got 'degraded', as impact.flows says, expected another word, or none.",
    ]),
    ("possibly nothing", "flows: {}\n  possible: {submit: none}", [
        "impact.possible.submit: got none, expected what it may be hurt: no flow need be, that is named here.",
    ]),
    ("an outage that is only possible", "flows: {}\n  possible: {submit: outage}", [
        "impact.possible.submit: got outage, of a flow that impact.flows does not call hurt, expected a claim in impact.flows: an outage is no side effect.",
    ]),
    ("an outage of a flow that is called unhurt", "flows: {submit: none}\n  possible: {submit: outage}", [
        "impact.possible.submit: got outage, of a flow that impact.flows does not call hurt, expected a claim in impact.flows: an outage is no side effect.",
    ]),
    ("an outage as a second word", "flows: {submit: degraded}\n  possible: {submit: outage}", []),
    ("a word that the flow cannot show", "flows: {submit: late}", [
        "impact.flows.submit: got late, expected outage, degraded or none: the flow says nothing of being late.",
    ]),
    ("possibly what the flow cannot show", "flows: {}\n  possible: {submit: stale}", [
        "impact.possible.submit: got stale, expected outage, degraded or none: the flow says nothing of being stale.",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "messages"), [case[1:] for case in CLAIMS], ids=[case[0] for case in CLAIMS]
)
def test_a_claim_that_cannot_be(good_project: Any, claim: str, messages: list[str]) -> None:
    good_project.edit(MODE, "flows: {submit: degraded}", claim)
    assert [p.split(": ", 1)[1] for p in problems(good_project)] == messages


@pytest.mark.parametrize(
    ("within", "wrong"),
    [("1m", False), ("116s", False), ("117s", True), ("10m", True)],
)
def test_a_fault_outlasts_the_recovery_that_it_is_to_prove(
    good_project: Any, within: str, wrong: bool
) -> None:
    good_project.edit(MODE, "recover_within: 1m", f"recover_within: {within}")
    told = problems(good_project)
    assert bool(told) is wrong
    if wrong:
        assert "objectives.default.recover_within" in told[0]
        assert (
            "less than 120 s, when the fault is undone (environments/lab.yaml: limits.longest_fault)"
            in told[0]
        )
