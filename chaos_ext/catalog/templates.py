"""What a scaffold writes first: texts that hold together at once, with marks where somebody has to say more.

``<<name>>`` is filled in. A comment that begins with ``fill in:`` is told to whoever asked for the scaffold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_GAP = re.compile(r"<<(\w+)>>")
_MARK = re.compile(r"(?:#|<!--)\s*fill in:\s*(.*?)\s*(?:-->)?\s*$")

MODE = """\
# yaml-language-server: $schema=../../../schemas/failure-mode.json
schema: 1
id: <<id>>
title: {en: "<<title>>", ja: "<<title>>"}  # fill in: one line, in both languages
product: <<product>>
category: single-point-of-failure  # fill in: which of the five it is
event:  # fill in: what happens, and its usual causes
  en: Somebody stops it by mistake, or it dies and nothing starts it again.
  ja: 誤って停止される、または異常終了したまま再起動されない。
impact:  # fill in: what each user flow feels, and a sentence
  flows: {<<flows>>}
  summary:
    en: <<hurt_en>>
    ja: <<hurt_ja>>
severity: 2  # fill in: 1 to 3 each; from likelihood 2 on there should be a runbook
likelihood: 2
detectability: 1
detection: {alert: <<alert>>}
recovery: runbook
runbook: runbooks/<<id>>.md
objectives:  # fill in: how soon it must be seen, and be over
  default: {detect_within: 1m, recover_within: 10m, lost_acknowledged_writes: 0}
  lab: {detect_within: 8s, recover_within: 20s, lost_acknowledged_writes: 0}
reproduce:  # fill in: the fault itself, its evidence and its undo
  lab:
    - name: stop-<<part>>
      type: action
      provider:
        type: python
        module: chaos_ext.actions.lab.part
        func: stop_part
        arguments: {part: <<part>>}
      in_force:
        type: probe
        name: <<part>>-is-stopped
        provider: {type: python, module: chaos_ext.actions.lab.part, func: part_is_stopped, arguments: {part: <<part>>}}
      undo:
        type: action
        name: start-<<part>>
        provider: {type: python, module: chaos_ext.actions.lab.part, func: start_part, arguments: {part: <<part>>}}
reverify_every: 90d
owner: <<owner>>
"""

RUNBOOK_HEAD = """\
---
shell: bash
runbook:
  id: <<id>>
  recovers: [<<recovers>>]
  owner: <<owner>>
---

# <<title>>

## Meaning

<!-- fill in: what is wrong when this alert fires, and what is the likely cause -->
`<<part>>` does not run, or answers nobody.

## Impact

<!-- fill in: who notices what, and what still works -->
<<hurt>>

## Parameters

| variable | what it is |
|---|---|
| `PART` | what is down |
| `URL` | an address that users open, and that answers only while `PART` works |
| `CA_FILE` | the certificates to trust when that address is asked |

```sh {"name":"parameters","role":"params","interactive":"false","promptEnv":"no"}
export PART="${PART:-<<part>>}"
export URL="${URL:-<<url>>}"
export CA_FILE="${CA_FILE:-<<ca_file>>}"
```

## Diagnosis

### Step 1: See whether it runs

<!-- fill in: how the cause is told apart from others that look the same -->

"""

_FENCE = (
    '```sh {{"name":"{name}-{platform}","role":"{role}","interactive":"false",'
    '"on":"{platform}","timeout":"{timeout}"{more}}}\n{code}\n```\n'
)
_BLOCKS = {
    "lab": ('supervisorctl status "$PART" || true', 'supervisorctl restart "$PART"'),
    "kubernetes": ('kubectl get "deployment/$PART"', 'kubectl rollout restart "deployment/$PART"'),
    "aws": (
        'aws ecs describe-services --services "$PART" --query "services[].events[:5]"',
        'aws ecs update-service --service "$PART" --force-new-deployment',
    ),
    "gcp": (
        'gcloud run services describe "$PART"',
        'gcloud run services update "$PART" --update-labels "restarted=$(date +%s)"',
    ),
}
_VERIFY = '''\
ask=(curl --silent --show-error --fail --max-time 3 --output /dev/null)
if [ -n "$CA_FILE" ]; then
  ask+=(--cacert "$CA_FILE")
fi
"${ask[@]}" "$URL"'''
_MITIGATION = """
## Mitigation

### Step 2: Start it again

<!-- fill in: what brings users back; what it does to them meanwhile -->

"""
_REST = """
#### Undo Step 2

There is nothing to take back: it runs, as it did before.

## Verification

Users get an answer.

"""
_END = """
## Escalation

<!-- fill in: whom to call, and what to tell them -->
Call <<owner>>, and say what Step 1 printed.
"""


def filled(template: str, **values: str) -> str:
    """`template` with every gap filled in. KeyError for one that has no value."""
    return _GAP.sub(lambda gap: values[gap[1]], template)


def marks(text: str) -> Iterator[tuple[int, str]]:
    """Each place where somebody has to say more: its line, and what is to be said."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MARK.search(line):
            yield number, found[1]


def runbook(platforms: list[str], **values: str) -> str:
    """A runbook with a block for each platform wherever something is to be done."""

    def fences(name: str, role: str, which: int, timeout: str) -> str:
        return "\n".join(
            _FENCE.format(
                name=name, role=role, platform=each, timeout=timeout, more="", code=_BLOCKS[each][which]
            )
            for each in platforms
        )

    limits = ',"within":"30s","every":"500ms","stable":"2s"'
    verify = "\n".join(
        _FENCE.format(name="users", role="verify", platform=each, timeout="10s", more=limits, code=_VERIFY)
        for each in platforms
    )
    text = (
        RUNBOOK_HEAD + fences("status", "diagnose", 0, "15s") + _MITIGATION
        + fences("restart", "mitigate", 1, "60s") + _REST + verify + _END
    )  # fmt: skip
    return filled(text, **values)


ENVIRONMENT = """\
# yaml-language-server: $schema=../schemas/environment.json
schema: 1
name: <<name>>
title: {en: "<<name>>", ja: "<<name>>"}  # fill in: what people call it
platform: <<platform>>
disposable: false  # fill in: true when nothing in it would be missed
identity:  # fill in: what it must show before anything is broken in it
  <<identity>>
base_url: https://<<name>>.example.com  # fill in: the flows' paths are below it
alerts:
  source: alertmanager
  url: ${env.ALERTMANAGER_URL}  # fill in: where its alerts are seen
  poll: 5s
  runbook_base_url: https://example.com/catalog/  # fill in: what an alert's runbook link begins with
  rules: <<rules>>
targets: <<targets>>  # fill in: which resource plays each role
windows: {baseline: 30s, stable: 30s}
limits: {targets: 1, longest_fault: 15m}  # fill in: the most that may be broken at once, and for how long
snapshot:  # fill in: what must be as it was after a trial, as probes
  - {type: probe, name: version, provider: {type: http, url: "https://<<name>>.example.com/version"}}
variables: {}  # fill in: what its runbooks need
"""
IDENTITIES = {
    "kubernetes": (
        "kubernetes: {kubeconfig: ~/.kube/config, context: my-cluster, "
        "cluster_uid: 00000000-0000-0000-0000-000000000000, namespace: my-namespace, label: purpose=chaos}"
    ),
    "aws": 'aws: {account: "000000000000", role: my-role, region: ap-northeast-1, profile: my-profile}',
    "gcp": (
        'google: {project: my-project, project_number: "000000000000", labels: purpose=chaos, '
        "credentials_file: ~/my-credentials.json}"
    ),
}
LAB_IDENTITY = 'lab: {marker: "${lab.marker}", directory: "${lab.dir}"}'
