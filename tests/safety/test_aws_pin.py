"""What acts in the proven account finds one profile, and none of a person's others."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

import botocore.session
import pytest
from ways_for_tests import Field, python

from chaos_ext.errors import Blocked
from chaos_ext.safety.identity import pins

CONFIG = """\
[default]
region = eu-west-1
[profile "chaos"]
role_arn = arn:aws:iam::111122223333:role/ChaosRunner
source_profile = middle
region = ap-northeast-1
endpoint_url = https://elsewhere.example.com
services = elsewhere
s3 =
  max_concurrent_requests = 3
[profile middle]
role_arn = arn:aws:iam::111122223333:role/Middle
source_profile = base
[profile base]
sso_session = corp
sso_account_id = 111122223333
[profile production]
role_arn = arn:aws:iam::444455556666:role/Admin
source_profile = base
[profile chaos-production]
region = us-east-1
[sso-session corp]
sso_start_url = https://corp.example.com/start
[sso-session other]
sso_start_url = https://other.example.com/start
[services elsewhere]
rds =
  endpoint_url = https://elsewhere.example.com
"""
CREDENTIALS = """\
[default]
aws_access_key_id = of-default
aws_secret_access_key = secret-of-default
[base]
aws_access_key_id = of-base
aws_secret_access_key = secret-of-base
[production]
aws_access_key_id = of-production
aws_secret_access_key = secret-of-production
"""


@pytest.fixture
def identity(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text(CREDENTIALS)
    files = {"config_file": str(tmp_path / "config"), "credentials_file": str(tmp_path / "credentials")}
    return {"account": "111122223333", "role": "ChaosRunner", "profile": "chaos", **files}


def _pinned(identity: dict[str, str], tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "pins"
    folder.mkdir(exist_ok=True)
    return pins.pinned({"aws": identity}, folder)


def _sections(path: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.read([path])
    return {name: dict(parser[name]) for name in parser.sections()}


def test_a_profile_with_all_that_its_credentials_come_from_and_nothing_else(identity, tmp_path):
    found = _pinned(identity, tmp_path)
    config, credentials = _sections(found["AWS_CONFIG_FILE"]), _sections(found["AWS_SHARED_CREDENTIALS_FILE"])
    assert [*config] == ['profile "chaos"', "profile middle", "profile base", "sso-session corp"]
    assert [*credentials] == ["base"]
    assert credentials["base"]["aws_secret_access_key"] == "secret-of-base"
    assert "elsewhere" not in Path(found["AWS_CONFIG_FILE"]).read_text()
    assert found["AWS_PROFILE"] == "chaos"
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert os.stat(found[name]).st_mode & 0o777 == 0o600


def test_botocore_understands_what_is_left(identity, tmp_path, monkeypatch):
    for name, value in _pinned(identity, tmp_path).items():
        monkeypatch.setenv(name, value)
    session = botocore.session.Session()
    assert set(session.available_profiles) == {"chaos", "middle", "base"}
    assert session.get_scoped_config()["s3"] == {"max_concurrent_requests": "3"}
    assert session.get_config_variable("region") == "ap-northeast-1"


def test_a_profile_of_the_credentials_file_alone(identity, tmp_path):
    found = _pinned({**identity, "profile": "default"}, tmp_path)
    assert [*_sections(found["AWS_CONFIG_FILE"])] == ["default"]
    assert [*_sections(found["AWS_SHARED_CREDENTIALS_FILE"])] == ["default"]


@pytest.mark.parametrize("profile", ["nowhere", "chaos-"])
def test_a_profile_that_is_not_there_is_refused(identity, tmp_path, profile):
    with pytest.raises(Blocked, match=f"no profile '{profile}'"):
        _pinned({**identity, "profile": profile}, tmp_path)


def test_a_source_that_is_not_there_is_refused(identity, tmp_path):
    Path(identity["config_file"]).write_text(
        CONFIG.replace("source_profile = middle", "source_profile = gone")
    )
    with pytest.raises(Blocked, match="no profile 'gone'"):
        _pinned(identity, tmp_path)


def test_addresses_come_from_the_identity_or_from_nowhere(identity, tmp_path):
    """An address in a person's settings would send the proven credentials to another server."""
    assert _pinned(identity, tmp_path)["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "true"
    found = _pinned({**identity, "endpoint_url": "http://127.0.0.1:4566"}, tmp_path)
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" not in found, "it would be ignored too"


def test_an_activity_finds_no_other_profile(field: Field):
    path = field.root / "aws-config"
    path.write_text(path.read_text() + "[profile production]\naws_access_key_id = of-production\n")
    field.experiment["method"] = [python("action", "keep_profiles", path=str(field.left))]
    field.experiment["rollbacks"] = []
    field.run()
    assert field.left.read_text() == "chaos"
