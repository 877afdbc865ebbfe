"""What only a read tells (payments, holds, routing, risk) is kept beside what a push tells."""

from dataclasses import replace
from datetime import timedelta

from core.domain.order import Hold
from core.store import orders
from tests.builders import an_order


def test_a_push_does_not_wipe_out_the_holds_that_a_read_saw() -> None:
    read = an_order(holds=(Hold("1", "fraud"),), risk="CANCEL")
    pushed = replace(read, revision=read.revision + timedelta(minutes=1), holds=None, risk=None)

    merged = orders.merge(pushed, read)

    assert (merged.holds, merged.risk, merged.revision) == (read.holds, "CANCEL", pushed.revision)


def test_a_read_as_old_as_ours_counts_when_it_brings_a_part() -> None:
    pushed = an_order()

    assert orders.brings_parts(replace(pushed, holds=(Hold("1", "fraud"),)), pushed)
    assert not orders.brings_parts(pushed, replace(pushed, holds=(Hold("1", "fraud"),)))
    assert orders.write(pushed).digest == orders.write(replace(pushed, holds=())).digest
