"""What the guidelines that we ship say of what people write, however they write it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import yaml
from policy.conftest import DEDICATED, NOW, ROOT

from chaos_ext import environments
from chaos_ext.catalog import guidelines
from chaos_ext.model import Environment, Match
from chaos_ext.safety.policy.deciding import Decided, decide
from chaos_ext.safety.policy.matching import fits
from chaos_ext.safety.policy.subject import Subject


def _place(name: str) -> Environment:
    return Environment.model_validate({**yaml.safe_load(DEDICATED), "name": name})


def _subject(provider: dict[str, object], environment: Environment) -> Subject:
    activity = {"type": "action", "name": "a", "provider": provider}
    return Subject(name="f", activity=activity, environment=environment, at=NOW, digest="d", targets=("a",))


def _decided(provider: dict[str, object], environment: Environment) -> Decided:
    return decide(guidelines.read(ROOT), _subject(provider, environment))


def _terminate(**arguments: object) -> dict[str, object]:
    given = {"label_selector": "app=intake", **arguments}
    return {"type": "python", "module": "chaosk8s.pod.actions", "func": "terminate_pods", "arguments": given}


@pytest.mark.parametrize("value", [True, 1, "true", "True", "yes", "Yes", "on", "On", "y"])
def test_all_pods_are_all_pods_however_it_is_said(value):
    """Python takes any text for true, "no" too; these are the ones that people write for it."""
    found = _decided(_terminate(all=value), _place("dedicated"))
    assert (found.decision, found.rule) == ("forbidden", "never-a-whole-namespace")


@pytest.mark.parametrize("given", [{}, {"all": False}])
def test_some_pods_are_not(given):
    assert _decided(_terminate(**given), _place("dedicated")).rule != "never-a-whole-namespace"


@pytest.mark.parametrize("port", ["", ":8080"])
def test_a_url_of_which_nobody_knows_where_it_leads_is_not_this_machine(port):
    """Python's reading of it is 127.0.0.1; what asks may take all before the backslash for the host."""
    url = f"http://elsewhere.example.com\\@127.0.0.1{port}/x"
    assert urlsplit(url).hostname == "127.0.0.1"
    lab = environments.load("lab", ROOT).model_copy(update={"base_url": f"http://127.0.0.1{port}"})
    free = _decided({"type": "http", "url": f"http://127.0.0.1{port}/x", "method": "POST"}, lab)
    assert (free.decision, free.rule) == ("free", "lab-speaks-to-itself")
    found = _decided({"type": "http", "url": url, "method": "POST"}, lab)
    assert found.decision != "free"


@pytest.mark.parametrize("written", ["prod", "PROD", "Prod*", "*ROD"])
def test_an_environment_is_meant_however_a_rule_writes_it(written):
    match = Match.model_validate({"environment": written})
    assert fits(match, _subject(_terminate(), _place("prod"))).answer == "yes"
    assert fits(match, _subject(_terminate(), _place("dedicated"))).answer == "no"


@pytest.mark.parametrize("name", ["prod", "production-eu", "verification", "staging-2"])
def test_nothing_is_tried_where_customers_are(name):
    found = _decided(_terminate(), _place(name))
    assert (found.decision, found.rule) == ("forbidden", "never-where-customers-are")


@pytest.mark.parametrize("name", ["Production", "PROD"])
def test_no_environment_has_a_name_in_capitals(project, name):
    """So none of them goes by a rule that is written in small letters."""
    project.write(f"environments/{name}.yaml", DEDICATED.replace("name: dedicated", f"name: {name}"))
    with pytest.raises(Exception, match=f"environments/{name}.yaml:2: name: got '{name}'"):
        environments.load(name, project.root)
