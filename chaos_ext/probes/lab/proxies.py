"""The lab's fault proxies: where each leads, whether it is up, and what is done to what goes through."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from chaoslib.exceptions import ActivityFailed
from chaoslib.types import Configuration

from chaos_ext.actions.lab import proven
from chaos_ext.language import t

__all__ = ["proxy_state"]

_ANSWERS_WITHIN_S = 2.0


def proxy_state(configuration: Configuration = None) -> dict[str, Any]:
    """Every proxy with its addresses, whether it is enabled, and its toxics. Changes nothing.

    Raises ActivityFailed when the proxies' page does not answer.

    YAML::

        type: probe
        name: proxies
        provider: {type: python, module: chaos_ext.probes.lab.proxies, func: proxy_state, arguments: {}}
    """
    url = urlsplit(proven.facts(configuration)["faultproxy"]["url"])
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=_ANSWERS_WITHIN_S)
    try:
        connection.request("GET", "/proxies")
        said = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ActivityFailed(
            t("{url}: got {error}, expected an answer", url=url.geturl(), error=error)
        ) from error
    finally:
        connection.close()
    return {
        name: {
            "enabled": proxy["enabled"],
            "listen": proxy["listen"],
            "upstream": proxy["upstream"],
            "toxics": {
                toxic["name"]: {key: value for key, value in toxic.items() if key != "name"}
                for toxic in proxy.get("toxics", [])
            },
        }
        for name, proxy in said.items()
    }
