"""AWS Secrets Manager, by boto3: with the credentials, and at the address, that boto3 finds by itself.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chaos_ext.language import t
from chaos_ext.vaults.unreadable import Unreadable, text_of

if TYPE_CHECKING:
    from chaos_ext.model import AwsSecret


def read(reference: AwsSecret) -> str:
    """The current value, or the one of its `key`. Needs secretsmanager:GetSecretValue. Raises Unreadable."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        raise Unreadable(t("no package 'boto3'"), t("boto3, which reads it"), t("Install it.")) from None

    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
    # A session of its own: boto3's default one is not made for several threads.
    session = boto3.session.Session()
    try:
        client = session.client("secretsmanager", region_name=reference.region, config=config)
        answer = client.get_secret_value(SecretId=reference.secret)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise Unreadable(t("{code} from AWS for '{name}'", code=code, name=reference.secret)) from None
    except (BotoCoreError, ValueError) as error:
        kind = type(error).__name__
        raise Unreadable(
            t("no answer from AWS for '{name}' ({kind})", name=reference.secret, kind=kind)
        ) from None
    value = answer.get("SecretString")
    if value is None:
        value = text_of(answer.get("SecretBinary", b""))
    return value if reference.key is None else _of_key(value, reference.key)


def _of_key(value: str, key: str) -> str:
    try:
        held: Any = json.loads(value)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise Unreadable(t("a value that is no JSON object"), t("an object with '{key}'", key=key))
    if key not in held:
        raise Unreadable(t("an object without '{key}'", key=key), t("an object with '{key}'", key=key))
    found = held[key]
    return found if isinstance(found, str) else json.dumps(found)
