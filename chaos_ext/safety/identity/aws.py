"""An AWS account and the role that acts in it, as STS says: GetCallerIdentity with the very credentials that act.

The credentials are those that the environment names: a `profile`, or `credentials: environment` (the variables
AWS_ACCESS_KEY_ID …) or `credentials: instance` (the machine's own role). Whatever else lies around is not looked at.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity.proof import Proof, Seen, no_answer, not_installed, text_of

_ARN = re.compile(
    r"arn:[a-z-]+:(?:sts|iam)::(?P<account>\d{12}):(?P<who>assumed-role/(?P<role>[\w+=,.@-]+)/.+|user/.+|root)"
)
_ON_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:/|$)")
# With an emulator on this machine, what forgets the endpoint (`env -u AWS_ENDPOINT_URL aws …`) would ask the real AWS.
# It goes by a proxy that nobody is: nothing leaves the machine.
_NOBODY = "http://127.0.0.1:9"
_CLOSED_DOOR = {
    **{name: _NOBODY for each in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (each, each.lower())},
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1"),
}
_FALLBACK_REGION = "us-east-1"
_INSTANCE = ("iam-role", "container-role")
_OF_THE_PROCESS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def see(expected: Mapping[str, str], facts: Mapping[str, Any]) -> Seen:
    """Ask STS who the credentials are. Raises Blocked."""
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise not_installed("aws", "botocore", "aws") from error
    where = expected.get("endpoint_url") or "AWS STS"
    try:
        session = _session(expected)
        region = session.get_scoped_config().get("region") if "profile" in expected else None
        quick = Config(
            connect_timeout=2,
            read_timeout=3,
            retries={"total_max_attempts": 1},
            proxies={},  # none, instead of those of the process
            ignore_configured_endpoint_urls=True,
        )
        client = session.create_client(
            "sts",
            region_name=expected.get("region") or region or _FALLBACK_REGION,
            endpoint_url=expected.get("endpoint_url"),
            config=quick,
        )
        answer = client.get_caller_identity()
    except (BotoCoreError, ClientError, ValueError) as error:
        raise no_answer("aws", where, error) from error
    return seen(expected, answer, where, region)


def seen(expected: Mapping[str, str], answer: Any, where: str, region: str | None) -> Seen:
    """What GetCallerIdentity answered, beside what is expected. Raises Blocked when that cannot be understood."""
    account = text_of("aws", where, "Account", answer.get("Account"))
    arn = text_of("aws", where, "Arn", answer.get("Arn"))
    match = _ARN.fullmatch(arn)
    if match is None or match["account"] != account:
        raise no_answer("aws", where, t("{name} is {value!r}", name="Arn", value=arn))
    role = match["role"] or match["who"]  # a user or root is never the name of a role
    proofs = [
        Proof(t("AWS account"), expected["account"], account),
        Proof(t("AWS role"), expected["role"], role),
    ]
    if "region" in expected:
        proofs.append(Proof(t("AWS region"), expected["region"], region or expected["region"]))
    return Seen(proofs, {"account": account, "role": role})


def _session(expected: Mapping[str, str]) -> Any:
    """A session with the named credentials; Blocked when those are not there, or others were found instead."""
    import botocore.session

    said = expected.get("credentials")
    if said not in (None, "environment", "instance"):
        raise _refused("credentials", f"'{said}'", t("environment or instance"))
    session = botocore.session.Session(profile=expected.get("profile"))
    session.register_component("data_loader", loader())
    session.set_config_variable("config_file", _file(expected, "config_file", "~/.aws/config"))
    session.set_config_variable("credentials_file", _file(expected, "credentials_file", "~/.aws/credentials"))
    if said == "environment":
        key, secret, token = (os.environ.get(name) for name in _OF_THE_PROCESS)
        if not key or not secret:
            raise _refused("credentials", t("no AWS_ACCESS_KEY_ID in the environment"), t("both keys"))
        session.set_credentials(key, secret, token)
        return session
    found = session.get_credentials()
    if found is None:
        raise _refused("profile" if said is None else "credentials", t("no credentials"), t("some"))
    if (found.method in _INSTANCE) != (said == "instance") or found.method == "env":
        got = t("credentials by way of '{method}'", method=found.method)
        raise _refused("credentials" if said else "profile", got, t("those that it names"))
    return session


@functools.cache
def loader() -> Any:
    """What botocore knows of AWS' services, read once: a proof is made before every activity."""
    import botocore.loaders

    return botocore.loaders.create_loader()


def _file(expected: Mapping[str, str], key: str, usual: str) -> str:
    """The path of a file that must be there when it was named; nothing when not even a profile is asked for."""
    if expected.get("credentials"):
        return os.devnull
    path = Path(expected.get(key) or usual).expanduser()
    if key in expected and not path.is_file():
        raise _refused(key, t("'{path}', which is no file", path=path), t("a file"))
    return str(path)


def _refused(key: str, got: str, wanted: str) -> Blocked:
    return Blocked(
        t("identity.aws.{key}: got {got}, expected {expected}.", key=key, got=got, expected=wanted)
    )


def pins(expected: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variables that make AWS' tools and libraries use the proven credentials, and no other; writes into `folder`."""
    from chaos_ext.safety.identity import aws_profile

    found = {"AWS_EC2_METADATA_DISABLED": "false" if expected.get("credentials") == "instance" else "true"}
    if "profile" in expected:
        config = Path(_file(expected, "config_file", "~/.aws/config"))
        credentials = Path(_file(expected, "credentials_file", "~/.aws/credentials"))
        found |= aws_profile.write(expected["profile"], config, credentials, folder)
        found["AWS_PROFILE"] = expected["profile"]
    if expected.get("credentials") == "environment":
        found |= {name: os.environ[name] for name in _OF_THE_PROCESS if name in os.environ}
    if "region" in expected:
        found |= {"AWS_REGION": expected["region"], "AWS_DEFAULT_REGION": expected["region"]}
    if "endpoint_url" in expected:
        found["AWS_ENDPOINT_URL"] = expected["endpoint_url"]
        if _ON_LOOPBACK.match(expected["endpoint_url"]):
            found |= _CLOSED_DOOR
    else:
        found["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    return found
