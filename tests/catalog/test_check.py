"""What holds the catalogue together: each broken tie is found, in its own words, and nothing else is."""

# ruff: noqa: E501 - messages are compared whole, each on its line

from __future__ import annotations

import pytest

from chaos_ext import environments
from chaos_ext.catalog import check, load

MODE = "catalog/failure-modes/redis/redis-memory-full.yaml"
SERVICES = "catalog/services.yaml"
PLACE = "environments/lab.yaml"
EXPERIMENT = "experiments/lab/redis-memory-full.yaml"

# What is wrong, in which file, what is replaced by what, and the messages ("MODE" stands for the mode's file).
BAD = [
    ('a flow that is not there', MODE, 'flows: {submit: degraded}', 'flows: {submitt: degraded}', [
        "MODE:8: impact.flows.submitt: got 'submitt', expected a user flow of catalog/services.yaml. Did you mean 'submit'?",
    ]),
    ('an alert that is not there', MODE, '{alert: RedisFull}', '{alert: RedisFul}', [
        "MODE:13: detection.alert: got 'RedisFul', expected an alert of environments/lab.yaml. Did you mean 'RedisFull'?",
    ]),
    ('an alert that links another runbook', MODE, 'runbook: none\nobjectives', 'runbook: runbooks/redis.md\nobjectives', [
        "MODE:15: runbook: got 'runbooks/redis.md', expected a file below catalog/runbooks/. Write it, or say 'runbook: none'.",
        "MODE:13: detection.alert: got 'RedisFull', which links none, expected an alert that links runbooks/redis.md. Mend environments/lab.yaml.",
    ]),
    ('a runbook outside', MODE, 'runbook: none\nobjectives', 'runbook: ../README.md\nobjectives', [
        "MODE:15: runbook: got '../README.md', expected a file below catalog/runbooks/. Write it, or say 'runbook: none'.",
        "MODE:13: detection.alert: got 'RedisFull', which links none, expected an alert that links ../README.md. Mend environments/lab.yaml.",
    ]),
    ('detect later than recover', MODE, 'detect_within: 5s', 'detect_within: 5m', [
        'MODE:17: objectives.default.detect_within: got 300 s, longer than recover_within, expected at most 60 s.',
    ]),
    ('no objectives for here', MODE, '  default: {detect', '  other: {detect', [
        "MODE:16: objectives: got no objectives, expected 'default' or 'lab'.",
    ]),
    ('no module', MODE, 'module: standin_faults\n', 'module: standin_fault\n', [
        "MODE:23: reproduce.lab[0].provider.module: got 'standin_fault', expected a module that exists.",
    ]),
    ('no module in a package', MODE, 'module: standin_faults\n', 'module: chaos_ext.actions.falt\n', [
        "MODE:23: reproduce.lab[0].provider.module: got 'chaos_ext.actions.falt', expected a module that exists. Did you mean 'fault'?",
    ]),
    ('a driver that is not installed', MODE, 'module: standin_faults\n', 'module: chaosgcp.sql.actions\n', [
        "MODE:23: reproduce.lab[0].provider.module: got 'chaosgcp.sql.actions', expected a module that exists. Install it: pip install 'chaos-ext[gcp]'.",
    ]),
    ('a module that fails', MODE, 'module: standin_faults\n', 'module: standin_broken\n', [
        "MODE:23: reproduce.lab[0].provider.module: got 'standin_broken', which fails (ZeroDivisionError: division by zero), expected one that imports.",
    ]),
    ('no function', MODE, 'func: fill\n', 'func: fil\n', [
        "MODE:24: reproduce.lab[0].provider.func: got 'fil', expected a function of standin_faults. Did you mean 'fill'?",
    ]),
    ('a private thing is no function', MODE, 'func: fill\n', 'func: __doc__\n', [
        "MODE:24: reproduce.lab[0].provider.func: got '__doc__', expected a function of standin_faults. There are: empty, fill, is_full.",
    ]),
    ('no function named', MODE, '        func: fill\n', '', [
        'MODE:21: reproduce.lab[0].provider.func: got nothing, expected the name of a function.',
    ]),
    ('an unknown argument', MODE, 'size_mb: 16', 'size_m: 16', [
        "MODE:25: reproduce.lab[0].provider.arguments.size_m: got the argument 'size_m', expected an argument of fill(). Did you mean 'size_mb'?",
    ]),
    ('a missing argument', MODE, 'arguments: {node: "${target.cache}", size_mb: 16}', 'arguments: {size_mb: 16}', [
        "MODE:25: reproduce.lab[0].provider.arguments: got no 'node', expected every argument that fill() needs. Add 'node: …'.",
    ]),
    ('an argument of another type', MODE, 'size_mb: 16', 'size_mb: sixteen', [
        "MODE:25: reproduce.lab[0].provider.arguments.size_mb: got 'sixteen', expected a value of type int.",
    ]),
    ('arguments that are a list', MODE, 'arguments: {node: "${target.cache}", size_mb: 16}', 'arguments: [a]', [
        'MODE:25: reproduce.lab[0].provider.arguments: got a list, expected a mapping of argument names to values.',
    ]),
    ('configuration as an argument', MODE, 'size_mb: 16', 'configuration: 16', [
        "MODE:25: reproduce.lab[0].provider.arguments.configuration: got the argument 'configuration', expected an argument of fill(). There are: node, size_mb.",
    ]),
    ('an unknown key of a provider', MODE, '        func: fill\n        arguments', '        func: fill\n        argument', [
        "MODE:25: reproduce.lab[0].provider.argument: got the unknown key 'argument', expected a key of a provider. Did you mean 'arguments'?",
        "MODE:21: reproduce.lab[0].provider.arguments: got no 'node', expected every argument that fill() needs. Add 'node: …'.",
    ]),
    ('an unknown key of an activity', MODE, 'name: is-full\n        provider', 'name: is-full\n        tolerence: true\n        provider', [
        "MODE:29: reproduce.lab[0].in_force.tolerence: got the unknown key 'tolerence', expected a key of an activity. There are: configuration, controls, name, pauses, provider, secrets, timeout, type.",
    ]),
    ('an unknown provider', MODE, '      provider:\n        type: python', '      provider:\n        type: pyton', [
        "MODE:22: reproduce.lab[0].provider.type: got 'pyton', expected a provider of Chaos Toolkit. Did you mean 'python'?",
    ]),
    ('evidence that is an action', MODE, 'type: probe', 'type: action', [
        "MODE:27: reproduce.lab[0].in_force.type: got 'action', expected 'probe'.",
    ]),
    ('an undo that is a probe', MODE, '      undo:\n        type: action', '      undo:\n        type: probe', [
        "MODE:31: reproduce.lab[0].undo.type: got 'probe', expected 'action'.",
    ]),
    ('no undo and no reason', MODE, '      undo:\n        type: action\n        name: empty\n        provider: {type: python, module: standin_faults, func: empty, arguments: {node: "${target.cache}"}}\n', '', [
        "MODE:20: reproduce.lab[0].undo: got nothing, expected an activity that undoes the fault. Add an undo, or say why none can exist: 'cannot_be_undone_because: …'.",
    ]),
    ('an undo and a reason', MODE, '      undo:\n', '      cannot_be_undone_because: it is gone\n      undo:\n', [
        'MODE:30: reproduce.lab[0].cannot_be_undone_because: got a reason beside an undo, expected one of the two. Remove one.',
    ]),
    ('an undo that needs secrets', MODE, 'provider: {type: python, module: standin_faults, func: empty, ', 'provider: {type: python, module: standin_faults, func: empty, secrets: [redis], ', [
        'MODE:33: reproduce.lab[0].undo.provider.secrets: got secrets, expected none: whoever heals after a dead run has no secrets.',
    ]),
    ('a process that is not there', MODE, 'provider: {type: python, module: standin_faults, func: is_full, arguments: {node: "${target.cache}"}}', 'provider: {type: process, path: /no/such/tool}', [
        "MODE:26: reproduce.lab[0].in_force: got an activity that Chaos Toolkit refuses (path '/no/such/tool' cannot be found, in activity 'is-full'), expected one that it accepts.",
    ]),
    ('an unknown target', MODE, '{node: "${target.cache}", size_mb: 16}', '{node: "${target.cach}", size_mb: 16}', [
        "MODE:25: reproduce.lab[0].provider.arguments.node: got '${target.cach}', expected a role that environments/lab.yaml has under targets. Did you mean 'cache'?",
    ]),
    ('another placeholder', MODE, 'size_mb: 16', 'size_mb: "${lab.size}"', [
        "MODE:25: reproduce.lab[0].provider.arguments.size_mb: got '${' in '${lab.size}', expected no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $.",
    ]),
    ('what Chaos Toolkit would change', MODE, '{node: "${target.cache}", size_mb: 16}', '{node: "a$$b", size_mb: 16}', [
        "MODE:25: reproduce.lab[0].provider.arguments.node: got '$$' in 'a$$b', expected no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $.",
    ]),
    ('a fault longer than allowed', MODE, '    - name: fill-memory\n', '    - name: fill-memory\n      expires_after: 5m\n', [
        'MODE:21: reproduce.lab[0].expires_after: got 300 s, expected at most 120 s (environments/lab.yaml: limits.longest_fault).',
    ]),
    ('no fault at all', MODE, '  lab:\n    - name', '  lab: []\n  aws:\n    - name', [
        'MODE:19: reproduce.lab: got no fault, expected at least one. Say how to inject it.',
    ]),
    ('a service that is not there', SERVICES, 'service: intake', 'service: intak', [
        "catalog/services.yaml:7: flows.submit.service: got 'intak', expected a service of this file. Did you mean 'intake'?",
    ]),
    ('a path that is none', SERVICES, 'path: /responses, json', 'path: responses, json', [
        "catalog/services.yaml:11: flows.submit.request.path: got 'responses', expected a path that begins with '/'.",
    ]),
    ('an unknown placeholder', SERVICES, '"${write.id}"', '"${write.ident}"', [
        "catalog/services.yaml:11: flows.submit.request.json.id: got '${write.ident}', expected one of run.id, write.id, write.text, cycle, followed.id. Did you mean 'write.id'?",
        "catalog/services.yaml:11: flows.submit.request: got a write without '${write.id}', expected an id by which it can be read back.",
    ]),
    ('texts that are not there', SERVICES, 'json: {id: "${write.id}"}', 'json: {id: "${write.id}", text: "${write.text}"}', [
        "catalog/services.yaml:11: flows.submit.request: got '${write.text}' without texts, expected texts to take it from. Add 'texts: […]'.",
    ]),
    ('a write nobody reads back', SERVICES, '    write: {read_back: /responses, id: id}\n', '', [
        "catalog/services.yaml:11: flows.submit.request: got '${write.id}', expected a 'write' beside the request that says how to read it back.",
    ]),
    ('two stores of one name', SERVICES, 'write: {read_back: /responses, id: id}', 'write: {read_back: /responses, id: id, also: {intake: {read_back: /r, id: id}}}', [
        "catalog/services.yaml:12: flows.submit.write.also.intake: got 'intake', which is also the name of the first store, expected another name, or a name for the first one in 'store'.",
    ]),
    ('a store that cannot be read back', SERVICES, 'write: {read_back: /responses, id: id}', 'write: {read_back: /responses, id: id, also: {insight: {read_back: "r/${write.id}", id: id, watch: 1ms}}}', [
        "catalog/services.yaml:12: flows.submit.write.also.insight.read_back: got 'r/${write.id}', expected a path that begins with '/'.",
        "catalog/services.yaml:12: flows.submit.write.also.insight.read_back: got '${write.id}', expected only '${run.id}': everything of a run is read back at once.",
        "catalog/services.yaml:12: flows.submit.write.also.insight.watch: got 0.001 s, expected at least 0.05 s.",
    ]),
    ("a deadline before the SLO's latency", SERVICES, 'deadline: 2s', 'deadline: 200ms', [
        "catalog/services.yaml:9: flows.submit.deadline: got 0.2 s, expected at least the SLO's latency, 0.5 s.",
    ]),
    ('an alert twice', PLACE, '    - {name: RedisFull, runbook: none, summary: Redis is full}\n', '    - {name: RedisFull, runbook: none, summary: x}\n    - {name: RedisFull, runbook: none, summary: x}\n', [
        "environments/lab.yaml:16: alerts.rules[1].name: got 'RedisFull' again, expected an alert of its own.",
    ]),
    ('an alert whose runbook is not there', PLACE, '{name: RedisFull, runbook: none, summary: Redis is full}', '{name: RedisFull, runbook: runbooks/gone.md, summary: x}', [
        "environments/lab.yaml:15: alerts.rules[0].runbook: got 'runbooks/gone.md', expected a file below catalog/.",
    ]),
    ('a part twice', PLACE, 'targets: {cache', 'parts:\n  - {name: web, command: [web, "${port}"], health: /}\n  - {name: web, command: [web], health: /}\ntargets: {cache', [
        "environments/lab.yaml:18: parts[1].name: got 'web' again, expected a part of its own.",
    ]),
    ('a placeholder of nothing', PLACE, 'REGION: "${env.REGION}"', 'REGION: "${envi.REGION}"', [
        "environments/lab.yaml:19: variables.REGION: got '${envi.REGION}', expected ${lab.…} or ${env.…}.",
    ]),
    ('a target that is a placeholder', PLACE, 'cache: redis-1', 'cache: "${lab.redis}"', [
        "environments/lab.yaml:16: targets.cache: got '${lab.redis}', expected a resource's name; it is compiled into experiments.",
        "MODE:25: reproduce.lab[0].provider.arguments.node: got '${' in '${target.cache}', expected no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $.",
        "MODE:29: reproduce.lab[0].in_force.provider.arguments.node: got '${' in '${target.cache}', expected no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $.",
        "MODE:33: reproduce.lab[0].undo.provider.arguments.node: got '${' in '${target.cache}', expected no placeholder but ${target.…}, and no $$, which Chaos Toolkit turns into $.",
    ]),
    ('a secret without a place', PLACE, 'variables:', 'secrets: {PASSWORD: {}}\nvariables:', [
        'environments/lab.yaml:19: secrets.PASSWORD: got an empty mapping, expected exactly one of env, file, aws, google, kubernetes. Say where the value is.',
    ]),
    ('an environment of another name', PLACE, 'name: lab\n', 'name: labor\n', [
        "environments/lab.yaml:2: name: got 'labor', expected the file's stem, 'lab'. Rename the file to labor.yaml, or write 'name: lab'.",
    ]),
]  # fmt: skip


def _problems(project, **options):
    return [str(problem) for problem in check.check(project.root, **options).problems]


def test_nothing_is_wrong_with_a_good_project(good_project):
    assert _problems(good_project, compiled=False) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "messages"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_a_broken_tie_is_found(good_project, file, old, new, messages):
    good_project.edit(file, old, new)
    assert [problem.replace(MODE, "MODE") for problem in _problems(good_project, compiled=False)] == messages


def test_two_faults_of_one_name(good_project):
    text = (good_project.root / MODE).read_text(encoding="utf-8")
    fault = text[text.index("    - name: fill") : text.index("reverify")]
    good_project.write(MODE, text.replace(fault, fault * 2))
    [problem] = _problems(good_project, compiled=False)
    assert (
        problem == f"{MODE}:34: reproduce.lab[1].name: got 'fill-memory' again, expected a name of its own."
    )


def test_a_fault_that_cannot_be_undone_says_why(good_project):
    text = (good_project.root / MODE).read_text(encoding="utf-8")
    undo = text[text.index("      undo:") : text.index("reverify")]
    good_project.write(MODE, text.replace(undo, "      cannot_be_undone_because: the key is gone\n"))
    checked = check.check(good_project.root, compiled=False)
    assert checked.problems == []
    assert "cannot_be_undone_because: the key is gone" in checked.experiments[good_project.root / EXPERIMENT]


def test_a_runbook_is_linted_once_for_all_modes_that_share_it(good_project):
    good_project.edit(MODE, "runbook: none", "runbook: runbooks/redis.md")
    good_project.edit(PLACE, "runbook: none", "runbook: runbooks/redis.md")
    good_project.write("catalog/runbooks/redis.md", "# Redis is full\n")
    text = (good_project.root / MODE).read_text(encoding="utf-8")
    good_project.write(
        MODE.replace("full", "fuller"), text.replace("redis-memory-full", "redis-memory-fuller")
    )
    found = _problems(good_project, compiled=False)
    assert found
    assert len(found) == len(set(found))
    assert all(problem.startswith("catalog/runbooks/redis.md:") for problem in found)


def test_a_module_that_ends_the_process_is_only_a_problem(good_project, tmp_path):
    (tmp_path / "modules" / "standin_exits.py").write_text("raise SystemExit(0)\n")
    good_project.edit(MODE, "module: standin_faults\n", "module: standin_exits\n")
    [problem] = _problems(good_project, compiled=False)
    assert "got 'standin_exits', which fails (SystemExit: 0), expected one that imports." in problem


def test_problems_of_every_file_come_at_once(good_project):
    good_project.edit(MODE, "func: fill\n", "func: fil\n")
    good_project.edit(SERVICES, "service: intake", "service: intak")
    good_project.edit(PLACE, "poll: 250ms", "poll: often")
    good_project.write("catalog/failure-modes/x/other.yaml", "schema: 1\n")
    files = {problem.partition(":")[0] for problem in _problems(good_project, compiled=False)}
    assert files == {MODE, SERVICES, PLACE, "catalog/failure-modes/x/other.yaml"}


@pytest.mark.parametrize(
    ("receiver", "message"),
    [
        ("sre-pager", None),
        (
            "sre-pagr",
            "got 'sre-pagr', expected a receiver that the routes of environments/lab.yaml name. Did you mean 'sre-pager'?",
        ),
        (
            "shop-pager",
            "got 'shop-pager', expected sre-pager, to whom the routes of environments/lab.yaml send it.",
        ),
    ],
)
def test_a_receiver_is_the_one_to_whom_the_routes_send_the_alert(good_project, receiver, message):
    routes = "  routes: [{receiver: shop-pager, match: {team: shop}}, {receiver: sre-pager}]\n  rules:"
    good_project.edit(PLACE, "  rules:", routes)
    rule = "{name: RedisFull, rule: {metric: m, above: 1, labels: {team: sre}}, "
    good_project.edit(PLACE, "{name: RedisFull, ", rule)
    good_project.edit(MODE, "{alert: RedisFull}", f"{{alert: RedisFull, receiver: {receiver}}}")
    expected = [] if message is None else [f"{MODE}:13: detection.receiver: {message}"]
    assert _problems(good_project, compiled=False) == expected


# --- compiled experiments ------------------------------------------------------------------------


def test_compiled_experiments_must_be_up_to_date(good_project):
    hint = "Run `chaos catalog compile`."
    assert _problems(good_project) == [f"{EXPERIMENT}: got no file, expected the compiled experiment. {hint}"]
    root = good_project.root
    written, removed = check.write(root, check.check(root, compiled=False))
    assert [path.relative_to(root).as_posix() for path in written] == [EXPERIMENT]
    assert removed == []
    assert _problems(good_project) == []
    good_project.edit(MODE, "severity: 2", "severity: 3")  # not even in the experiment, but its digest is
    assert _problems(good_project) == [
        f"{EXPERIMENT}: got an experiment that is out of date, expected the compiled one. {hint}"
    ]


def test_writing_twice_changes_nothing_and_removes_what_is_left_over(good_project):
    root = good_project.root
    check.write(root, check.check(root, compiled=False))
    good_project.write("experiments/lab/gone.yaml", "x: 1\n")
    [problem] = _problems(good_project)
    assert problem == (
        "experiments/lab/gone.yaml: got an experiment of no failure mode, expected none. Run `chaos catalog compile`."
    )
    before = (root / EXPERIMENT).stat().st_mtime_ns
    assert check.write(root, check.check(root, compiled=False)) == ([], [root / "experiments/lab/gone.yaml"])
    assert (root / EXPERIMENT).stat().st_mtime_ns == before
    assert sorted(path.name for path in (root / "experiments/lab").iterdir()) == ["redis-memory-full.yaml"]


def test_an_experiment_of_a_mode_that_is_broken_is_not_left_over(good_project):
    root = good_project.root
    check.write(root, check.check(root, compiled=False))
    good_project.edit(MODE, "severity: 2", "severity: 9")
    assert [problem.partition(":")[0] for problem in _problems(good_project)] == [MODE]
    assert check.check(root).leftovers == []


def test_modes_are_checked_alone_before_a_run(good_project):
    root = good_project.root
    check.write(root, check.check(root, compiled=False))
    catalog, lab = load.catalog(root), environments.load("lab", root)
    assert check.check_modes(catalog, catalog.modes.values(), [lab]) == []
    elsewhere = lab.model_copy(update={"name": "dedicated", "platform": "gcp"})
    [problem] = check.check_modes(catalog, catalog.modes.values(), [elsewhere])
    assert str(problem) == (
        f"{MODE}:18: reproduce.gcp: got nothing, expected a fault for environment 'dedicated'."
    )
    (root / EXPERIMENT).write_text("x: 1\n")
    [problem] = check.check_modes(catalog, catalog.modes.values(), [lab])
    assert problem.where == EXPERIMENT
