"""What a run found absent counts for two seconds, in any of its stages, until something is sent under a key."""

from __future__ import annotations

from datetime import timedelta

from oppsync.pipeline.absence import ABSENT_FOR, Absent
from tests.harness import builders as make

NOW = make.NOW


def test_what_was_not_found_counts_as_absent_from_before_the_question_on() -> None:
    absent = Absent()

    assert absent.look_up(["a", "b"], lambda keys: ["b"], NOW) == {"b"}

    moment = timedelta(milliseconds=1)
    assert [absent.has(key, NOW + ABSENT_FOR - moment) for key in "abc"] == [True, False, False]
    assert not absent.has("a", NOW + ABSENT_FOR)


def test_what_is_sent_or_found_is_not_absent_any_more() -> None:
    absent = Absent()
    absent.look_up(["a", "b"], lambda keys: [], NOW)

    absent.forget("a")
    absent.look_up(["b"], lambda keys: ["b"], NOW)

    assert not absent.has("a", NOW)
    assert not absent.has("b", NOW)
