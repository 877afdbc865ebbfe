"""Steps of a parcel stand in the order in which they happen."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.shipping import Progress, Step, in_order

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEPS = st.builds(
    lambda seconds, progress, code: Step(AT + timedelta(seconds=seconds), progress, code, "", "", ""),
    st.integers(0, 3), st.sampled_from(Progress), st.sampled_from("ABC"),
)  # fmt: skip


def test_of_one_second_what_happens_first_stands_first():
    told = [Step(AT, Progress.DELIVERED, "A", "", "", ""), Step(AT, Progress.LABELLED, "Z", "", "", "")]

    assert [one.progress for one in in_order(told)] == [Progress.LABELLED, Progress.DELIVERED]


@given(st.lists(STEPS), st.randoms())
def test_the_order_is_the_same_however_they_are_told(steps, chance):
    mixed = chance.sample(steps, len(steps))

    assert in_order(mixed) == in_order(steps)
    assert [one.at for one in in_order(mixed)] == sorted(one.at for one in steps)
