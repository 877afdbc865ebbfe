"""A channel that only accepts is read back; what it shows too little of is raised once no unseen sale can explain it."""

from datetime import timedelta

from tests.conftest import House


def test_a_quantity_that_came_true_wrongly_low_is_raised_after_the_orders_were_read(house: House) -> None:
    house.bogus.queues = True
    house.shelve(A=10)
    house.clock.pass_(timedelta(minutes=1))
    house.bogus.settle()
    house.bogus.sell({"A": 1})
    house.poll()
    house.shelve(A=20)
    house.bogus.settle()

    house.bogus.listings["L-A", "A"].shown = 7  # an older write overtook the newer one there
    house.work(timedelta(seconds=40))
    house.bogus.settle()
    believed_low = house.bogus.listings["L-A", "A"].shown
    for _ in range(2):
        house.clock.pass_(timedelta(minutes=15))
        house.poll()
        house.bogus.settle()

    assert believed_low == 7
    assert house.bogus.listings["L-A", "A"].shown == 19
