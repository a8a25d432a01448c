"""What one profile needs of a person's AWS files, and nothing else of them.

A copy of the whole file would hand every other account of that person to whatever acts: `aws --profile production`.
"""

from __future__ import annotations

import configparser
import io
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from chaos_ext.errors import Blocked
from chaos_ext.language import t
from chaos_ext.safety.identity import private

_Sections = dict[str, dict[str, str]]  # by the name in brackets
_ELSEWHERE = ("endpoint_url", "services")  # only identity.aws.endpoint_url sends anything to another address


def write(profile: str, config: Path, credentials: Path, folder: Path) -> dict[str, str]:
    """Both files for `profile` alone, with the chain of its `source_profile` and the `sso_session` that these name.

    Returns the variables that name the new files in `folder`. Raises Blocked when one of them is not there.
    """
    of_config, of_credentials = _read(config), _read(credentials)
    wanted, sessions = _chain(profile, of_config, of_credentials), set[str]()
    for name in wanted:
        session = _merged(name, of_config, of_credentials).get("sso_session")
        sessions |= {session} if session else set()
    kept = {
        section: values
        for section, values in of_config.items()
        if _profile_of(section) in wanted or _named(section, "sso-session") in sessions
    }
    keys = {section: values for section, values in of_credentials.items() if section in wanted}
    return {
        "AWS_CONFIG_FILE": private.write(folder / "aws-config", _text(kept)),
        "AWS_SHARED_CREDENTIALS_FILE": private.write(folder / "aws-credentials", _text(keys)),
    }


def _read(path: Path) -> _Sections:
    """The sections of a file, as botocore reads them; none when it is not there. Raises Blocked."""
    from botocore.configloader import raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    try:
        return dict(raw_config_parse(str(path), parse_subsections=False))
    except ConfigNotFound:
        return {}
    except (ConfigParseError, OSError) as error:
        raise Blocked(
            t("identity.aws.profile: got '{path}', which cannot be read, expected AWS' settings.", path=path)
        ) from error


def _chain(profile: str, config: _Sections, credentials: _Sections) -> list[str]:
    """`profile`, the profile whose credentials it starts from, and so on."""
    found: list[str] = []
    name: str | None = profile
    while name and name not in found:
        values = _merged(name, config, credentials)
        if not values:
            raise Blocked(
                t("identity.aws.profile: got no profile '{name}', expected it in AWS' settings.", name=name)
            )
        found.append(name)
        name = values.get("source_profile")
    return found


def _merged(name: str, config: _Sections, credentials: _Sections) -> Mapping[str, str]:
    """All that is said of a profile; its credentials' file wins."""
    said = [values for section, values in config.items() if _profile_of(section) == name]
    return {key: value for values in (*said, credentials.get(name, {})) for key, value in values.items()}


def _profile_of(section: str) -> str | None:
    return "default" if section == "default" else _named(section, "profile")


def _named(section: str, kind: str) -> str | None:
    try:
        words = shlex.split(section)
    except ValueError:
        return None
    return words[1] if len(words) == 2 and words[0] == kind else None


def _text(sections: _Sections) -> str:
    parser, text = configparser.RawConfigParser(), io.StringIO()
    parser.read_dict({section: dict(_without_addresses(values)) for section, values in sections.items()})
    parser.write(text)
    return text.getvalue()


def _without_addresses(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((key, value) for key, value in values.items() if key not in _ELSEWHERE)
