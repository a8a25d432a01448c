"""What is seen of something now and then holds when it really began and ended."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chaos_ext.alerts.asking import Answer
from chaos_ext.alerts.episodes import Look, Now, Track

OFFSET = 1_700_000_000.0


def stamp(at):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at + OFFSET, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def look(asked, answered, *now, said=None, resolution_s=1.0):
    return Look(Answer(None, asked, answered, said, resolution_s), tuple(now))


def down(began, **told):
    return Now("Down", began, began, told)


@given(
    times=st.lists(st.floats(0.05, 2), min_size=1, max_size=6),
    looks=st.lists(
        st.tuples(st.floats(0, 0.6), st.floats(0, 0.2), st.floats(0, 0.2)), min_size=1, max_size=30
    ),
    stamped=st.booleans(),
)
def test_every_beginning_and_end_lies_in_its_interval(times, looks, stamped):
    """`times`: how long it is off, on, off, on …; `looks`: pause, way there, way back."""
    episodes, at = [], 1000.0
    for number, long in enumerate(times):
        if number % 2:
            episodes.append((at, at + long))
        at += long
    track, now = Track("Down", absent_at=1000.0), 1000.0
    for pause, there, back in looks:
        asked = now + pause
        seen_at = asked + there
        now = seen_at + back
        there_now = [down(stamp(began)) for began, ended in episodes if began <= seen_at < ended]
        track.look(
            look(
                asked,
                now,
                *there_now,
                said=seen_at + OFFSET - 0.0005 if stamped else None,
                resolution_s=0.002,
            )
        )
    truth = {stamp(began): (began, ended) for began, ended in episodes}
    for episode in track.episodes:
        began, ended = truth[episode.began]
        assert episode.earliest - 0.01 <= began <= episode.latest + 0.01
        if episode.over is not None:
            assert episode.over.earliest <= ended <= episode.over.latest


def test_what_is_there_at_the_first_look_began_nobody_knows_when():
    track = Track("Down")
    track.look(look(10.0, 10.1, down("x")))
    (episode,) = track.episodes
    assert (episode.earliest, episode.latest) == (None, 10.1)


def test_a_stamp_narrows_it_by_what_is_known_of_the_clock():
    track = Track("Down", absent_at=10.0)
    track.look(look(12.0, 12.1, down(stamp(11.0)), said=12.05 + OFFSET, resolution_s=0.001))
    (episode,) = track.episodes
    assert 10.9 < episode.earliest <= 11.0 <= episode.latest < 11.1


def test_a_stamp_that_contradicts_what_was_seen_is_not_believed():
    track = Track("Down", absent_at=10.0)
    track.look(look(12.0, 12.1, down(stamp(5.0)), said=12.05 + OFFSET, resolution_s=0.001))
    (episode,) = track.episodes
    assert (episode.earliest, episode.latest) == (10.0, 12.1)


def test_the_same_that_begins_again_is_another_episode():
    track = Track("Down", absent_at=9.0)
    for asked, now in ((10.0, [down("a")]), (11.0, []), (12.0, [down("b")]), (13.0, [down("c")])):
        track.look(look(asked, asked + 0.1, *now))
    assert [each.began for each in track.episodes] == ["a", "b", "c"]
    assert [each.over and each.over.latest for each in track.episodes] == [11.1, 13.1, None]


def test_others_are_none_of_it():
    track = Track("Down", absent_at=9.0)
    track.look(look(10.0, 10.1, Now("Up", "x", "x")))
    assert track.episodes == []
