"""Another account, role or region, no identity, a forgotten endpoint: no call is made, none leaves the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from aws.conftest import ROOT
from chaoslib.exceptions import ActivityFailed

from chaos_ext import environments
from chaos_ext.actions.aws import ecs
from chaos_ext.errors import UsageError
from chaos_ext.safety import execute
from chaos_ext.safety.identity import pins
from chaos_ext.safety.place import open_place

STOP = {
    "type": "action",
    "name": "stop-tasks",
    "provider": {
        "type": "python",
        "module": "chaos_ext.actions.aws.ecs",
        "func": "stop_tasks",
        "arguments": {"cluster": "dedicated", "service": "intake", "count": 1},
    },
}


def refused(identity: dict[str, dict[str, str]]) -> str:
    with pytest.raises(ActivityFailed) as error:
        execute.run(STOP, {}, identity=identity)
    return str(error.value)


def test_another_account(identity, recorder):
    recorder.arn = recorder.arn.replace("123456789012", "444455556666")
    assert "AWS account: got '444455556666', expected '123456789012'" in refused(identity)
    assert recorder.calls == []


def test_another_role(identity, recorder):
    recorder.arn = recorder.arn.replace("chaos-runner", "Admin")
    assert "AWS role: got 'Admin', expected 'chaos-runner'" in refused(identity)
    assert recorder.calls == []


def test_another_region(identity, recorder):
    Path(identity["aws"]["config_file"]).write_text("[profile rehearsal]\nregion = eu-west-1\n")
    identity["aws"].pop("region")
    with pins.in_place(identity, {}):
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
        identity["aws"]["region"] = "ap-northeast-1"
        with pytest.raises(ActivityFailed, match="got eu-west-1, expected ap-northeast-1"):
            ecs.stop_tasks("dedicated", "intake", 1)
    assert recorder.seen == []


def test_nothing_that_was_proven(recorder, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorder.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-shell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-shell")
    with pytest.raises(ActivityFailed, match="got no account that was proven"):
        ecs.stop_tasks("dedicated", "intake", 1)
    assert recorder.seen == []


def test_the_endpoint_is_the_identity_s_whatever_the_variables_say(identity, recorder):
    recorder.answers = [(200, '{"taskArns": []}')]
    with pins.in_place(identity, {}):
        for name in [each for each in os.environ if each.startswith("AWS_ENDPOINT_URL")]:
            del os.environ[name]
        os.environ["AWS_ENDPOINT_URL_ECS"] = "https://elsewhere.example.com"
        with pytest.raises(ActivityFailed, match="got 0 running tasks"):
            ecs.stop_tasks("dedicated", "intake", 1)
    assert recorder.calls == ["ListTasks"]


@pytest.mark.parametrize("tool", ["boto3", "aws"])
def test_what_forgets_the_endpoint_finds_a_closed_door(identity, recorder, tool):
    """As a block that unsets the variable, or a library that does not know it: nothing leaves the machine."""
    code = "import boto3; boto3.client('ecs').list_clusters()"
    command = {"boto3": ["-c", code], "aws": ["-m", "awscli", "ecs", "list-clusters"]}[tool]
    with pins.in_place(identity, {}):
        inherited = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
        words = [sys.executable, *command]
        done = subprocess.run(
            words, env={**inherited, "AWS_MAX_ATTEMPTS": "1"}, capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert 'Failed to connect to proxy URL: "http://127.0.0.1:9"' in done.stderr
    assert recorder.seen == []


# --- environments that would let that happen ---


def edited(project: Path, name: str, **changes: object) -> None:
    path = project / "environments" / f"{name}.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["identity"]["aws"] |= {key: value for key, value in changes.items() if value is not None}
    for key, value in changes.items():
        if value is None:
            del data["identity"]["aws"][key]
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint_url": None},
        {"endpoint_url": "https://sts.ap-northeast-1.amazonaws.com"},
        {"config_file": "~/.aws/config"},
        {"credentials_file": None},
    ],
    ids=lambda change: "-".join(f"{key}-{value}" for key, value in change.items()),
)
def test_a_rehearsal_without_its_endpoint_is_no_environment(project, change):
    edited(project, "rehearsal-aws", **change)
    with pytest.raises(UsageError, match=r"endpoint_url: .\{rehearsal\.url\}"):
        environments.load("rehearsal-aws", project)


@pytest.mark.parametrize(
    ("old", "new"), [("name: rehearsal-aws", "name: other"), ("rehearsal: {", "# rehearsal: {")]
)
def test_only_an_emulator_is_called_a_rehearsal(project, old, new):
    path = project / "environments" / "rehearsal-aws.yaml"
    text = path.read_text(encoding="utf-8").replace(old, new, 1)
    name = "other" if "other" in new else "rehearsal-aws"
    path.unlink()
    (project / "environments" / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="exactly where 'rehearsal' is said"):
        environments.load(name, project)


def test_the_example_is_no_place_before_it_is_filled_in(project, monkeypatch):
    monkeypatch.delenv("EXPORTS_POLICY_FILE", raising=False)
    with pytest.raises(UsageError) as error:
        open_place("dedicated")
    told = [str(problem) for problem in error.value.problems]
    marks = (project / "environments" / "dedicated.yaml").read_text(encoding="utf-8").count("# fill in:")
    assert sum("fill in:" in each for each in told) == marks > 15
    assert any("'000000000000', an invented account" in each for each in told)
    assert any("Set the variable EXPORTS_POLICY_FILE" in each for each in told)


def test_marks_that_were_only_taken_away_do_not_help(project):
    path = project / "environments" / "dedicated.yaml"
    lines = [line.partition("  # fill in:")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="'000000000000', an invented account"):
        open_place("dedicated")


def test_a_filled_in_example_is_asked_of_sts(project, identity, recorder, monkeypatch):
    """Then the place itself is asked; that it is another account is seen at once."""
    from chaos_ext.errors import Blocked
    from chaos_ext.safety import guard

    path = project / "environments" / "dedicated.yaml"
    lines = [line.partition("  # fill in:")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    text = "\n".join(lines).replace('"000000000000"', '"123456789012"')
    path.write_text(text.replace("00000000000", "11112222333") + "\n", encoding="utf-8")
    edited(project, "dedicated", **{k: v for k, v in identity["aws"].items() if k not in ("account", "role")})
    monkeypatch.setenv("EXPORTS_POLICY_FILE", "/policies/exports.json")
    place = open_place("dedicated")
    assert [proof.holds for proof in guard.prove(place)] == [True, True, True]
    recorder.arn = recorder.arn.replace("123456789012", "111122223331")
    with pytest.raises(Blocked, match="which this environment denies"):
        guard.prove(place)


def test_listing_the_catalogue_imports_no_cloud_library():
    code = (
        "import sys; from chaos_ext.cli.catalog import catalog; from click.testing import CliRunner;"
        "done = CliRunner().invoke(catalog, ['list']); assert done.exit_code == 0, done.output;"
        "print([name for name in ('boto3', 'botocore', 'moto') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
