"""Which rule is about a fault, and which is not, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from policy.conftest import DEDICATED, NOW

from chaos_ext.catalog import guidelines
from chaos_ext.model import Environment, FailureMode, Impact, Match
from chaos_ext.safety.changing import may_change
from chaos_ext.safety.policy.deciding import decide, gravest
from chaos_ext.safety.policy.matching import fits
from chaos_ext.safety.policy.subject import Subject, parts, plain_url, subjects

ENVIRONMENT = Environment.model_validate(yaml.safe_load(DEDICATED))


def python(func="chaosaws.rds.actions.failover_db_cluster", kind="action", **arguments):
    module, _, name = func.rpartition(".")
    provider = {"type": "python", "module": module, "func": name, "arguments": arguments}
    return {"type": kind, "name": name, "provider": provider}


def process(path, arguments=""):
    return {
        "type": "action",
        "name": "run",
        "provider": {"type": "process", "path": path, "arguments": arguments},
    }


def http(url, method="POST", kind="action"):
    return {"type": kind, "name": "ask", "provider": {"type": "http", "url": url, "method": method}}


def subject(activity=None, **more) -> Subject:
    given = {
        "name": "f", "activity": activity or python(db_cluster_identifier="orders"), "environment": ENVIRONMENT,
        "at": NOW, "digest": "d", "targets": ("orders",), **more,
    }  # fmt: skip
    return Subject(**given)


CASES = [
    ("nothing", {}, {}, "yes"),
    ("environment", {"environment": "ded*"}, {}, "yes"),
    ("environment-of-several", {"environment": ["lab", "dedicated"]}, {}, "yes"),
    ("environment-other", {"environment": "lab"}, {}, "is about environment 'lab'; this is 'dedicated'"),
    ("platform", {"platform": ["gcp", "kubernetes"]}, {}, "is about platform 'gcp' or 'kubernetes'; this is 'aws'"),
    ("product", {"product": "Postgre*"}, {"product": "PostgreSQL"}, "yes"),
    ("product-other", {"product": "Redis"}, {"product": "PostgreSQL"},
     "is about product 'Redis'; this is 'PostgreSQL'"),
    ("product-unknown", {"product": "Redis"}, {}, "unknown"),
    ("mode", {"mode": "redis-*"}, {"mode": "redis-down"}, "yes"),
    ("mode-other", {"mode": "redis-*"}, {"mode": "rds-failover"},
     "is about failure mode 'redis-*'; this is 'rds-failover'"),
    ("mode-unknown", {"mode": "redis-*"}, {}, "unknown"),
    ("activity", {"activity": "chaosaws.rds.*"}, {}, "yes"),
    ("activity-case", {"activity": "ChaosAWS.rds.*"}, {},
     "is about 'ChaosAWS.rds.*'; this is 'chaosaws.rds.actions.failover_db_cluster'"),
    ("many-activities", {"activity": ["a.*", "b.*", "c.*", "d.*", "e.*"]}, {},
     "is about 'a.*', 'b.*', 'c.*' and 2 more; this is 'chaosaws.rds.actions.failover_db_cluster'"),
    ("path", {"activity": "kubectl"}, {"activity": process("/usr/local/bin/kubectl")}, "yes"),
    ("whole-path", {"activity": "/usr/local/*"}, {"activity": process("/usr/local/bin/kubectl")}, "yes"),
    ("url", {"activity": "https://api.example.com/*"}, {"activity": http("https://API.example.com:443/x")}, "yes"),
    ("method", {"activity": "DELETE *"}, {"activity": http("https://a/x", "delete")}, "yes"),
    ("url-of-a-user", {"activity": "http://127.0.0.1:*"}, {"activity": http("http://127.0.0.1:80@evil.example/x")},
     "is about 'http://127.0.0.1:*'; this is 'POST http://evil.example/x'"),
    ("url-unknown", {"activity": "http://*"}, {"activity": http("${url}")}, "unknown"),
    ("provider", {"provider": ["process", "http"]}, {}, "is about provider 'process' or 'http'; this is 'python'"),
    ("argument", {"arguments": {"all": True}}, {"activity": python(all=True)}, "yes"),
    ("argument-deep", {"arguments": {"a.b": "x*"}}, {"activity": python(a={"b": "xy"})}, "yes"),
    ("argument-in-list", {"arguments": {"ids": "orders"}}, {"activity": python(ids=["users", "orders"])}, "yes"),
    ("argument-number", {"arguments": {"qty": ["[2-9]*", "1?*"]}}, {"activity": python(qty=12)}, "yes"),
    ("argument-other", {"arguments": {"qty": 1}}, {"activity": python(qty=2)}, "is about qty '1'; this is '2'"),
    ("argument-missing", {"arguments": {"all": True}}, {}, "is about the argument 'all', which is not given"),
    ("argument-unknown", {"arguments": {"qty": 1}}, {"activity": python(qty="${n}")}, "unknown"),
    ("word-of-a-command", {"arguments": {"*": "delete"}}, {"activity": process("kubectl", "delete pod a")}, "yes"),
    ("without", {"without": "label_selector"}, {"activity": python(label_selector="")}, "yes"),
    ("without-but-with", {"without": "label_selector"}, {"activity": python(label_selector="a=b")},
     "is about calls without 'label_selector'; this one gives it"),
    ("targets", {"targets": {"at_least": 2}}, {}, "is about 2 targets or more; this hits 1"),
    ("targets-at-most", {"targets": {"at_most": 1}}, {"targets": ("a", "b")},
     "is about 1 targets at most; this hits 2"),
    ("hurts", {"hurts": {"at_least": "degraded"}}, {"impact": {"submit": Impact.OUTAGE}}, "yes"),
    ("hurts-less", {"hurts": {"at_least": "outage"}}, {"impact": {"submit": Impact.DEGRADED}},
     "is about 'outage' or worse for any user flow; the worst claimed is 'degraded'"),
    ("hurts-another", {"hurts": {"flows": "export"}}, {"impact": {"submit": Impact.OUTAGE}},
     "is about 'degraded' or worse for 'export'; the worst claimed is 'none'"),
    ("hurts-unknown", {"hurts": {}}, {}, "unknown"),
    ("during", {"during": [{"days": ["tue"], "hours": "09:00-18:00", "time_zone": "Asia/Tokyo"}]}, {}, "yes"),
    ("during-another-zone",
     {"during": [{"days": ["tue"], "hours": "09:00-18:00", "time_zone": "America/New_York"}]}, {},
     "is about tue 09:00-18:00 America/New_York; it is Mon 22:00 America/New_York"),
    ("outside", {"outside": [{"days": ["mon", "tue", "wed"], "time_zone": "Asia/Tokyo"}]}, {},
     "is about any time but mon-wed 00:00-24:00 Asia/Tokyo; it is Tue 12:00 Asia/Tokyo"),
]  # fmt: skip


@pytest.mark.parametrize(("match", "more", "told"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_rule_is_about_a_fault_or_says_why_not(match, more, told):
    fit = fits(Match.model_validate(match), subject(**more))
    assert fit.answer == told if told in ("yes", "unknown") else (fit.answer, fit.why) == ("no", told)


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        (datetime(2026, 11, 27, 13, 0, tzinfo=UTC), True),  # Friday 22:00 in Tokyo
        (datetime(2026, 11, 27, 20, 59, tzinfo=UTC), True),  # Saturday 05:59
        (datetime(2026, 11, 27, 21, 0, tzinfo=UTC), False),  # Saturday 06:00
        (datetime(2026, 11, 28, 13, 0, tzinfo=UTC), False),  # Saturday 22:00
        (datetime(2026, 11, 26, 20, 0, tzinfo=UTC), False),  # Friday 05:00 belongs to Thursday
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(at, inside):
    window = {"days": ["fri"], "hours": "22:00-06:00", "time_zone": "Asia/Tokyo"}
    fit = fits(Match.model_validate({"during": [window]}), subject(at=at))
    assert (fit.answer == "yes") is inside


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("HTTP://Example.COM:80/A?b", "http://example.com/A?b"),
        ("http://user:secret@example.com/", "http://example.com/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://127.0.0.1:99999/", "http://127.0.0.1:99999/"),
        ("nothing", "nothing"),
    ],
)
def test_a_url_is_compared_by_where_it_goes(url, plain):
    assert plain_url(url) == plain


@pytest.mark.parametrize(
    ("activity", "may"),
    [
        (python("chaos_ext.probes.fault.in_force", "probe"), False),
        (python("chaos_ext.probes.fault.look", "probe"), True),  # not offered
        (python("chaos_ext.actions.fault.inject"), False),  # the door asks by itself
        (python("chaos_ext.actions.fault.through"), True),
        (python("chaos_ext.controls.trial.before_activity_control"), True),
        (http("https://a/", "OPTIONS", "probe"), True),
        (python("chaosk8s.pod.probes.pods_in_phase", "probe"), False),
        (python("chaosk8s.pod.actions.delete_pods", "probe"), True),
        (python("chaos_ext.actions.lab.postgresql.destroy_node", "probe"), True),
        (python("chaos_ext.actions.respond.respond"), False),
        (python("team.probes.look", "probe"), True),
        (http("https://a/", "GET", "probe"), False),
        (http("https://a/", "POST", "probe"), True),
        (http("https://a/", "GET"), True),
        ({**process("ls"), "type": "probe"}, True),
        ({"type": "probe"}, True),
    ],
)
def test_what_may_change_something_is_asked_about(activity, may):
    assert may_change(activity) is may


# --- several rules ---


def rules(project, text):
    project.write("catalog/guidelines.yaml", "schema: 1\nrules:\n" + text)
    return guidelines.read(project.root)


def rule(id, decision, match):
    return f"  - {{id: {id}, decision: {decision}, reason: {{en: Because., ja: 理由。}}, match: {match}}}\n"


def test_the_first_that_matches_decides(project):
    read = rules(project, rule("a", "free", "{platform: gcp}") + rule("b", "free", "{}"))
    found = decide(read, subject())
    assert (found.decision, found.rule, found.where) == ("free", "b", "catalog/guidelines.yaml:4")
    assert [(each.id, each.where, each.why) for each in found.passed] == [
        ("a", "catalog/guidelines.yaml:3", "is about platform 'gcp'; this is 'aws'")
    ]


def test_where_none_matches_it_is_reviewed(project):
    found = decide(rules(project, rule("a", "free", "{platform: gcp}")), subject())
    assert (found.decision, found.rule) == ("review", "")


@pytest.mark.parametrize(
    ("first", "then", "decision", "by"),
    [
        ("forbidden", "free", "review", "a"),
        ("review", "free", "review", "a"),
        ("free", "forbidden", "forbidden", "b"),
        ("forbidden", "forbidden", "forbidden", "b"),
        ("free", "review", "review", "b"),
    ],
)
def test_what_nobody_can_know_is_never_free(project, first, then, decision, by):
    found = decide(rules(project, rule("a", first, "{product: Redis}") + rule("b", then, "{}")), subject())
    assert (found.decision, found.rule) == (decision, by)
    if by == "a":
        assert found.doubt == "'a' may be meant: of which product this is, is not known"


@pytest.mark.parametrize("decision", ["forbidden", "review"])
@pytest.mark.parametrize(("part", "told"), [("undo", "f, its undo"), ("in_force", "f, its evidence")])
def test_an_undo_and_evidence_are_decided_like_any_activity(project, part, told, decision):
    read = rules(project, rule("a", decision, "{activity: '*delete*'}") + rule("b", "free", "{}"))
    whole = subject(**{part: python("x.delete_all", "probe" if part == "in_force" else "action")})
    fault, inner = (decide(read, each) for each in parts(whole))
    assert (fault.decision, fault.rule, fault.subject.told) == ("free", "b", "f")
    assert (inner.decision, inner.rule, inner.subject.told) == (decision, "a", told)
    assert gravest((fault, inner)) == decision


def test_what_an_undo_hits_besides_is_counted(project):
    read = rules(project, rule("a", "review", "{targets: {at_least: 2}}") + rule("b", "free", "{}"))
    whole = subject(undo=python("x.put_back", databases=["orders", "users"]))
    assert [decide(read, each).rule for each in parts(whole)] == ["b", "a"]
    whole = subject(undo=python("x.put_back", database="orders", how="fast"))
    assert [decide(read, each).rule for each in parts(whole)] == ["b", "b"]


def test_a_program_with_the_keys_of_the_door_is_what_it_is():
    disguised = process("rm", {"activity": python("x.harmless"), "name": "x"})
    disguised["provider"].update(module="chaos_ext.actions.fault", func="inject")
    (found,) = subjects({"method": [disguised]}, ENVIRONMENT, NOW)
    assert found.names == ("rm",)


def test_an_undo_that_no_rule_is_about_is_reviewed(project):
    read = rules(project, rule("a", "free", "{activity: 'chaosaws.*'}"))
    assert [decide(read, each).decision for each in parts(subject(undo=python("x.put_back")))] == [
        "free", "review",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "decision"),
    [
        (python("chaosaws.rds.probes.instance_status", "probe"), "free"),
        (python("chaosaws.rds.probes.instance_status", "action"), "review"),
        (http("https://a/health", "GET", "probe"), "free"),
        (http("https://a/health", "PUT", "probe"), "review"),
        (python("chaosk8s.pod.probes.count", "probe"), "forbidden"),
        (python("chaos_ext.actions.respond.respond", "probe"), "review"),
    ],
    ids=["probe", "action", "reads", "writes", "forbidden", "door"],
)
def test_evidence_that_only_looks_is_free_unless_a_rule_forbids_it(project, evidence, decision):
    read = rules(
        project, rule("a", "forbidden", "{activity: 'chaosk8s.*'}") + rule("b", "review", "{platform: aws}")
    )
    *_, found = (decide(read, each) for each in parts(subject(in_force=evidence)))
    assert found.decision == decision


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("chaos_ext.actions.lab.postgresql.destroy_node", ""),
        ("chaos_ext.actions.lab.postgresql._kill_everything",
         "frees activities, and chaos_ext.actions.lab.postgresql offers none called '_kill_everything'"),
        ("chaos_ext.actions.lab.nodes.run", "frees activities, and chaos_ext.actions.lab.nodes offers none"),
        ("chaos_ext.actions.lab.nowhere.run", "frees activities, and chaos_ext.actions.lab.nowhere offers none"),
    ],
)  # fmt: skip
def test_of_our_modules_only_what_they_offer_is_free(project, name, told):
    read = rules(project, rule("a", "free", "{activity: 'chaos_ext.actions.lab.*'}"))
    found = decide(read, subject(activity=python(name)))
    assert found.decision == ("review" if told else "free")
    assert "".join(str(each.why) for each in found.passed).startswith(told)
    forbidding = rules(project, rule("a", "forbidden", "{activity: 'chaos_ext.actions.lab.*'}"))
    assert decide(forbidding, subject(activity=python(name))).decision == "forbidden"


LAB = ENVIRONMENT.model_copy(update={"name": "lab", "platform": "lab", "base_url": "https://127.0.0.1:8443/"})


@pytest.mark.parametrize(
    ("activity", "decision", "by"),
    [
        (python("chaos_ext.actions.lab.postgresql.destroy_node"), "free", "lab-is-thrown-away"),
        (python("chaos_ext.probes.tolerance.holds"), "free", "lab-is-thrown-away"),
        (python("chaos_ext.probes.fault.look"), "review", "lab-code-of-others"),
        (python("shutil.rmtree", path="/"), "review", "lab-code-of-others"),
        (python("chaos_ext.safety.execute.run"), "review", "lab-code-of-others"),
        (python("chaosaws.rds.actions.failover_db_cluster"), "forbidden", "lab-reaches-no-cloud"),
        (http("https://127.0.0.1:8443/responses"), "free", "lab-speaks-to-itself"),
        (http("https://127.0.0.1:8444/responses"), "review", "lab-code-of-others"),
        (http("http://127.0.0.1:8443/responses"), "review", "lab-code-of-others"),
        (http("https://127.0.0.1:84430/"), "review", "lab-code-of-others"),
        (http("http://localhost:5432/"), "review", "lab-code-of-others"),
        (process("rm", "-rf /"), "review", "lab-code-of-others"),
    ],
    ids=["ours", "our-look", "of-our-probes", "python", "our-inside", "cloud", "its-entry", "other-port",
         "other-scheme", "longer-port", "local", "process"],
)  # fmt: skip
def test_what_the_shipped_rules_free_in_the_lab(project, activity, decision, by):
    read = guidelines.read(project.root)
    found = decide(read, subject(activity=activity, environment=LAB))
    assert (found.decision, found.rule) == (decision, by)


def test_where_a_lab_is_that_is_not_up_nobody_knows(project):
    closed = LAB.model_copy(update={"base_url": "${lab.edge.url}"})
    found = decide(
        guidelines.read(project.root),
        subject(activity=http("https://127.0.0.1:8443/x"), environment=closed),
    )
    assert (found.decision, found.rule) == ("review", "lab-code-of-others")
    assert "where '${base_url}/*' is, only the place tells once it is up" in [e.why for e in found.passed]


def test_an_address_is_no_pattern(project):
    """Of an IPv6 address the brackets are not those of a glob."""
    six = LAB.model_copy(update={"base_url": "http://[::1]:80"})
    read = rules(project, rule("a", "free", "{activity: '${base_url}/*'}"))
    assert decide(read, subject(activity=http("http://[::1]/x"), environment=six)).decision == "free"
    assert decide(read, subject(activity=http("http://:/x"), environment=six)).decision == "review"


# --- what is known of an experiment's faults ---


def test_a_mode_is_believed_only_of_its_own_faults(project):
    request = project.request("object-storage-denied", "lab")
    mode: FailureMode = request.catalog.modes["object-storage-denied"]
    found = subjects(request.experiment, request.environment, NOW, mode)
    assert [(each.name, each.part) for each in found] == [
        ("deny-objects", ""), ("deny-objects", "undo"), ("deny-objects", "in_force"),
    ]  # fmt: skip
    for one in found:
        assert (one.mode, one.product, one.impact) == (mode.id, "Object storage", {"export": Impact.OUTAGE})
    arguments = request.experiment["method"][0]["provider"]["arguments"]
    arguments["activity"]["provider"]["arguments"]["bucket"] = "everything"
    for one in subjects(request.experiment, request.environment, NOW, mode):
        assert (one.mode, one.product, one.impact) == (None, None, None)


def test_all_that_is_broken_together_is_counted(project):
    (one,) = subjects(project.request().experiment, project.place(), NOW)
    assert one.targets == ("orders", "users")


@pytest.mark.parametrize("where", ["method", "rollbacks", "hypothesis", "tolerance"])
def test_whatever_may_change_something_is_found_wherever_it_stands(project, where):
    wicked = python("team.wicked.do")
    probe = {
        **python("chaos_ext.probes.tolerance.holds", "probe"),
        "tolerance": wicked if where == "tolerance" else True,
    }
    hypothesis = {"title": "t", "probes": [probe, *([wicked] if where == "hypothesis" else [])]}
    experiment = {"method": [], "rollbacks": [], "steady-state-hypothesis": hypothesis}
    if where in experiment:
        experiment[where] = [wicked]
    assert [each.names[0] for each in subjects(experiment, project.place(), NOW)] == ["team.wicked.do"]
