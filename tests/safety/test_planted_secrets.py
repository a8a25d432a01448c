"""Secrets that were planted in every kind of place are found nowhere after a run of every mode."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import vaults_for_tests as vaults
import yaml
from safety.planted import found_below, found_in, watched

from chaos_ext.runbook.parse import parse

ROOT = Path(__file__).resolve().parents[2]
MODES = sorted(path.stem for path in (ROOT / "catalog" / "failure-modes").rglob("*.yaml"))
PLANTED = {
    "PLANTED_ENV": "3nv pl4nted&value'1\"x",
    "PLANTED_FILE": "-----BEGIN PLANTED-----\nMIIEvQIBADANBgkqhk1G9w0BAQEF\nPl4ntedSecondL1neOfTheKey77\n-----END-----",
    "PLANTED_AWS": "4ws-pl4nted/value+2=?",
    "PLANTED_GOOGLE": "g00gle.pl4nted~value\\3$",
    "PLANTED_KUBERNETES": "kub3rnetes-pl4nted-value-4",
}
GOOGLE = "projects/p/secrets/planted/versions/latest"
# Shows each value in the ways that people and programs do; on standard error, where no expectation looks. `env` hands
# them all to a program, and the file of passwords is the lab's own secret.
_VALUES = " ".join(f'"${name}"' for name in PLANTED)
SHOW = f"""\
{{
  for planted in {_VALUES}; do
    printf '%s\\n%q\\n' "$planted" "$planted"
    printf 'value: %s, again: %s' "$planted" "${{planted@Q}}"
    printf %s "$planted" | base64
    printf 'x%s' "$planted" | base64 -w0
    printf 'user:%s\\n' "$planted" | base64
    printf %s "$planted" | od -An -tx1
    printf %s "$planted" | fold -w 5
    echo
  done
  env
  cat "$PGPASSFILE"
}} >&2
"""
KEEP = f"printf '%s\\n' {_VALUES} >>\"$LAB_LOGS/planted.log\"\n"


def _tell_everything(runbook: Path) -> list[str]:
    """Have every block of a runbook show the values first, and those that mitigate keep them; the blocks' roles."""
    lines = runbook.read_text(encoding="utf-8").splitlines(keepends=True)
    roles = []
    for block in sorted((b for _, b in parse(runbook).blocks()), key=lambda b: -b.line):
        role = block.role.value if block.role else "diagnose"
        if role == "params":
            asked = "".join(f': "${{{name}:?}}"\n' for name in (*PLANTED, "PGPASSFILE", "LAB_LOGS"))
            lines.insert(block.line, asked)
        elif role in ("diagnose", "mitigate", "verify"):
            lines.insert(block.line, SHOW + (KEEP if role == "mitigate" else ""))
            roles.append(role)
    runbook.write_text("".join(lines), encoding="utf-8")
    return roles


def _generated_passwords() -> dict[str, str]:
    """What the lab of this test process made for its databases."""
    home = Path(os.environ["CHAOS_LAB_HOME"])
    for path in home.rglob("*.json"):
        held = json.loads(path.read_text())
        if isinstance(held, dict) and held.get("passwords"):
            return {f"password of {role}": word for role, word in held["passwords"].items()}
    raise AssertionError(f"no passwords below {home}")


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_planted_secrets_are_found_nowhere(
    project: Any,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    keys = tmp_path_factory.mktemp("keys")  # not below what is searched
    environment = project.root / "environments" / "lab.yaml"
    written = yaml.safe_load(environment.read_text(encoding="utf-8"))
    written["secrets"] = {
        "PLANTED_ENV": {"env": "PLANTED_IN_ENV"},
        "PLANTED_FILE": {"file": str(keys / "key.pem")},
        "PLANTED_AWS": {"aws": {"secret": "planted", "region": "eu-west-1", "key": "password"}},
        "PLANTED_GOOGLE": {"google": {"secret": GOOGLE}},
        "PLANTED_KUBERNETES": {"kubernetes": {"namespace": "shop", "name": "db", "key": "password"}},
    }
    written["identity"]["kubernetes"] = {
        "kubeconfig": str(keys / "kubeconfig"),
        "context": "planted",
        "cluster_uid": vaults.CLUSTER_UID,
        "namespace": "shop",
        "label": "chaos=yes",
    }
    environment.write_text(yaml.safe_dump(written, allow_unicode=True, sort_keys=False), encoding="utf-8")
    (keys / "key.pem").write_text(PLANTED["PLANTED_FILE"] + "\n")
    monkeypatch.setenv("PLANTED_IN_ENV", PLANTED["PLANTED_ENV"])
    runbook = yaml.safe_load(next((project.root / "catalog").rglob(f"{mode}.yaml")).read_text())["runbook"]
    roles = [] if runbook == "none" else _tell_everything(project.root / "catalog" / runbook)

    compiled = project.chaos("catalog", "compile")
    assert compiled.code == 0, compiled.err

    with ExitStack() as places:
        held = json.dumps({"username": "reporter", "password": PLANTED["PLANTED_AWS"]})
        for variables in (
            places.enter_context(vaults.aws({"planted": held})),
            places.enter_context(vaults.google({GOOGLE: PLANTED["PLANTED_GOOGLE"].encode()}, keys)),
        ):
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
        of_cluster = {("shop", "db", "password"): PLANTED["PLANTED_KUBERNETES"].encode()}
        places.enter_context(vaults.kubernetes(of_cluster, keys))
        watcher = places.enter_context(watched())
        done = project.chaos("verify", mode, "--junit", str(project.root / "verdicts.xml"), timeout=400)

    assert done.code in (0, 1, 4), done.out + done.err
    values = {**PLANTED, **_generated_passwords()}
    bundles = project.root / ".chaos"
    assert found_below(bundles, values) == {}
    assert found_in(done.out + done.err, values) == []
    assert found_in((project.root / "verdicts.xml").read_text(), values) == []
    assert {line: here for line in watcher.seen if (here := found_in(line, values))} == {}
    # And they would have been found: the blocks ran and showed them, their processes and files were looked at.
    events = project.events()
    shown = [event["line"] for event in events if event["kind"] == "step-output" and "***" in event["line"]]
    kept = [path.read_text() for path in bundles.rglob("planted.log")]
    assert watcher.looks > 100
    assert any("chaos_lab" in line for line in watcher.seen)
    assert not roles or len(shown) > 20, (done.out, done.err)
    assert bool(kept) is ("mitigate" in roles)
    assert all("***" in text for text in kept)
