"""A varied runbook, followed: what is left out, done twice, in the wrong order, on the wrong thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos_ext.model import Arm, Mutation, Variant
from chaos_ext.runbook import shell
from chaos_ext.runbook.model import Role
from chaos_ext.runbook.parse import parse, parse_text
from chaos_ext.runbook.variants import WRONG_TARGET_SAYS, mitigation_steps, name_of, variants, varied

SHIPPED = sorted((Path(__file__).parents[2] / "catalog" / "runbooks").glob("*.md"))
SIBLINGS = (("a", "b", "c"), ("lone",))

# Every block writes its name into $LOG; SITUATION decides, as in a real runbook, whether anything is to be done.
RUNBOOK = """\
---
shell: bash
---

# The store is down

## Parameters

```sh {"name":"parameters","role":"params"}
export PRIMARY="${PRIMARY:-a}"
```

## Diagnosis

### Step 1: Look

```sh {"name":"look","role":"diagnose"}
echo look >> "$LOG"
```

### Decision 2: Is it down?

```sh {"name":"SITUATION","role":"diagnose"}
echo decide >> "$LOG"
cat "$STATE"
```

| it says | go to |
|---|---|
| `down` | [Step 3](#step-3-first) |
| `up` | [Verification](#verification) |
| anything else | [Escalation](#escalation) |

## Mitigation

### Step 3: First

```sh {"name":"first","role":"mitigate"}
echo "first $PRIMARY" >> "$LOG"
echo "half-way" >> "$LOG"
echo half > "$STATE"
echo "done" >> "$LOG"
```

### Step 4: Second

```sh {"name":"second","role":"mitigate"}
echo "second $PRIMARY" >> "$LOG"
```

## Verification

```sh {"name":"check","role":"verify"}
echo "check $PRIMARY" >> "$LOG"
```

## Escalation

Call somebody.
"""


@pytest.fixture
def runbook(tmp_path):
    (tmp_path / "state").write_text("down\n")
    return parse_text(RUNBOOK, tmp_path / "r.md")


@pytest.fixture
def done(follower, tmp_path):
    """Follow a runbook; returns how it ended and what its blocks wrote."""

    def follow(runbook):
        follower.variables = {"STATE": str(tmp_path / "state"), "LOG": str(tmp_path / "log")}
        outcome = follower.follow(runbook)
        return outcome, (tmp_path / "log").read_text().splitlines()

    return follow


def _without(step):
    return Variant(Arm.WITHOUT_STEP, step)


def _mutated(how, step):
    return Variant(Arm.MUTATED, step, how)


LOOKS = ["look", "decide"]
FIRST = ["first a", "half-way", "done"]


@pytest.mark.parametrize(
    ("variant", "ok", "did"),
    [
        (Variant(Arm.TREATMENT), True, [*LOOKS, *FIRST, "second a", "check a"]),
        (Variant(Arm.HEALTHY), True, [*LOOKS, *FIRST, "second a", "check a"]),
        (Variant(Arm.LOOK_ONLY), True, LOOKS),
        (_without("first"), True, [*LOOKS, "second a", "check a"]),
        (_without("second"), True, [*LOOKS, *FIRST, "check a"]),
        (_mutated(Mutation.SWAPPED, "first"), True, [*LOOKS, "second a", *FIRST, "check a"]),
        (_mutated(Mutation.DOUBLED, "first"), True, [*LOOKS, *FIRST, *FIRST, "second a", "check a"]),
        (
            _mutated(Mutation.CUT, "first"),  # half-way the state is as before, so everything is done
            True,
            [*LOOKS, *FIRST[:2], *LOOKS, *FIRST, "second a", "check a"],
        ),
        (
            _mutated(Mutation.CUT, "second"),  # the state is 'half' by then, and the runbook hands over
            False,
            [*LOOKS, *FIRST, "second a", *LOOKS],
        ),
        (
            _mutated(Mutation.WRONG_TARGET, "first"),
            True,
            [*LOOKS, "first b", "half-way", "done", "second a", "check a"],
        ),
        (_mutated(Mutation.WRONG_TARGET, "second"), True, [*LOOKS, *FIRST, "second b", "check a"]),
    ],
    ids=str,
)
def test_what_is_done(runbook, done, variant, ok, did):
    outcome, wrote = done(varied(runbook, variant, "lab", SIBLINGS))

    assert wrote == did
    assert outcome.ok is ok, outcome.why


@pytest.mark.parametrize("said", ["up", "strange"])
def test_only_looking_ends_where_the_runbook_goes_on_to_anything_else(runbook, done, tmp_path, said):
    (tmp_path / "state").write_text(f"{said}\n")

    outcome, wrote = done(varied(runbook, Variant(Arm.LOOK_ONLY), "lab"))

    assert outcome.ok
    assert not outcome.needs_person
    assert wrote == LOOKS


def test_a_mistaken_target_is_told_and_a_step_that_names_none_says_nothing(runbook, follower, done):
    done(varied(runbook, _mutated(Mutation.WRONG_TARGET, "first"), "lab", SIBLINGS))
    told = [e["line"] for e in follower.events if e["kind"] == "step-output" and e["stream"] == "stderr"]
    assert told == [f"{WRONG_TARGET_SAYS}PRIMARY is b, not a"]

    follower.events.clear()
    done(varied(runbook, _mutated(Mutation.WRONG_TARGET, "first"), "lab", (("x", "y"),)))
    assert not [e for e in follower.events if e["kind"] == "step-output" and e["stream"] == "stderr"]


def test_a_target_that_is_written_out_is_mistaken_too(follower, done, tmp_path):
    (tmp_path / "state").write_text("down\n")
    text = RUNBOOK.replace('echo "second $PRIMARY"', 'echo "second node-a node-ab xnode-a"')
    runbook = parse_text(text, tmp_path / "r.md")

    _, wrote = done(
        varied(runbook, _mutated(Mutation.WRONG_TARGET, "second"), "lab", (("node-a", "node-b"),))
    )

    assert "second node-b node-ab xnode-a" in wrote


def test_whatever_a_target_is_called_it_is_a_name_to_bash(follower, done, tmp_path):
    (tmp_path / "state").write_text("down\n")
    odd, other = "it's *", "$(touch x)`y`"
    text = RUNBOOK.replace('export PRIMARY="${PRIMARY:-a}"', f'export PRIMARY="{odd}"')

    outcome, wrote = done(
        varied(
            parse_text(text, tmp_path / "r.md"),
            _mutated(Mutation.WRONG_TARGET, "first"),
            "lab",
            ((odd, other),),
        )
    )

    assert outcome.ok, outcome.why
    assert wrote == [*LOOKS, f"first {other}", *FIRST[1:], f"second {odd}", f"check {odd}"]


def test_a_wrong_target_keeps_the_exit_code_of_its_step(follower, done, tmp_path):
    """Also of a last command that bash's `-e` lets pass."""
    (tmp_path / "state").write_text("down\n")
    text = RUNBOOK.replace('echo "second $PRIMARY" >> "$LOG"', '[ -z "$PRIMARY" ] && true')
    outcome, wrote = done(
        varied(
            parse_text(text, tmp_path / "r.md"), _mutated(Mutation.WRONG_TARGET, "second"), "lab", SIBLINGS
        )
    )
    assert outcome.failed_step == "step-4"
    assert wrote == [*LOOKS, *FIRST]


def test_where_one_goes_on_belongs_to_the_place(follower, done, tmp_path):
    """`next` of the first of two leads on, so the second one of the swapped pair must still be reached."""
    (tmp_path / "state").write_text("down\n")
    text = RUNBOOK.replace('"name":"first",', '"name":"first","next":"second",').replace(
        '"name":"second",', '"name":"second","next":"verification",'
    )
    runbook = parse_text(text, tmp_path / "r.md")

    outcome, wrote = done(varied(runbook, _mutated(Mutation.SWAPPED, "first"), "lab"))

    assert outcome.ok
    assert wrote == [*LOOKS, "second a", *FIRST, "check a"]


def test_what_cannot_be_made_is_left_out_with_its_reason(runbook):
    made, left_out = variants(runbook, "lab", ())
    assert [str(v) for v in made] == [
        "without-step-first",
        "mutated-swapped-first",
        "mutated-doubled-first",
        "mutated-cut-first",
        "without-step-second",
        "mutated-doubled-second",
        "mutated-cut-second",
    ]
    assert {str(v) for v, _ in left_out} == {"mutated-wrong-target-first", "mutated-wrong-target-second"}
    assert all("siblings" in why for _, why in left_out)
    made, left_out = variants(runbook, "lab", SIBLINGS)
    assert len(made) == 9
    assert left_out == ()


def test_a_step_that_is_not_there_is_refused(runbook):
    for variant in (_without("third"), _mutated(Mutation.SWAPPED, "second")):
        with pytest.raises(ValueError, match=r"no (step|successor)"):
            varied(runbook, variant, "lab")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_variant_of_a_shipped_runbook_is_one_that_bash_reads(path):
    """Each differs from the runbook, keeps its digest, and what Verification does."""
    runbook = parse(path)
    siblings = (("pg-a", "pg-b", "pg-c"), ("intake-1", "intake-2"))
    made, _ = variants(runbook, "lab", siblings)
    assert len({name_of(step, "lab") for step in mitigation_steps(runbook, "lab")}) == len(
        mitigation_steps(runbook, "lab")
    )
    for variant in (*made, Variant(Arm.LOOK_ONLY)):
        other = varied(runbook, variant, "lab", siblings)
        assert other.steps != runbook.steps
        assert other.digest == runbook.digest
        for _, block in other.blocks():
            assert shell.read(block.code).error is None, (str(variant), block.name)
        if variant.arm is Arm.LOOK_ONLY:
            assert {block.role for _, block in other.blocks()} <= {Role.PARAMS, Role.DIAGNOSE, Role.UNDO}
        else:
            assert [b for _, b in other.blocks(Role.VERIFY)] == [b for _, b in runbook.blocks(Role.VERIFY)]


@pytest.mark.parametrize(
    ("code", "half"),
    [
        ("a\nb\nc\n", "a\nb\n"),
        ("a && b\n# why\nif c; then\n  d\nfi\n", "a && b\n"),
        ("cat <<E\nx\nE\nb\n", "cat <<E\nx\nE\n"),
        ("only one\n", "only one\n"),
        ("é=1\nb\n", "é=1\n"),
        ("if broken\nb\n", "if broken\nb\n"),
    ],
)
def test_half_of_a_block(code, half):
    assert shell.first_half(code) == half
