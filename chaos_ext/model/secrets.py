"""Where the value of a secret is: a reference that people write, which is read when a run starts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from chaos_ext.language import t
from chaos_ext.model.written import Written


class AwsSecret(Written):
    """A secret of AWS Secrets Manager."""

    secret: str  # its name or ARN
    region: str
    key: str | None = None  # of the JSON object in it; None: all that is in it


class GoogleSecret(Written):
    """A version of a secret of Google Secret Manager."""

    secret: Annotated[
        str,
        Field(
            pattern=r"^projects/[^/]+/(locations/[^/]+/)?secrets/[^/]+/versions/[^/]+$",
            json_schema_extra={"examples": ["projects/my-project/secrets/db-password/versions/latest"]},
        ),
    ]


class KubernetesSecret(Written):
    """A key of a Secret in the cluster whose context the environment's identity pins."""

    namespace: str
    name: str
    key: str


class SecretReference(Written):
    """Where a value is: in one of these places."""

    env: str | None = None  # a variable of the process that runs `chaos`
    file: str | None = None  # a file; relative to the project
    aws: AwsSecret | None = None
    google: GoogleSecret | None = None
    kubernetes: KubernetesSecret | None = None

    @model_validator(mode="after")
    def _one_place(self) -> SecretReference:
        if len(self.kinds) != 1:
            raise ValueError(t("exactly one of env, file, aws, google, kubernetes"))
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """The places that are named; exactly one."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)
