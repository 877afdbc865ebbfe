"""Settling several lines at once: who is short while others give back gets another look."""

from core.domain.places import PlaceMap
from core.domain.stock import Dues, LineStock, settle

HOME = PlaceMap({"": ("home",)}, first="home")


def a_line(order: str, placed_at: int, hold: int, held: int) -> LineStock:
    reserved = {("A", "home"): held} if held else {}
    return LineStock(order, "1", placed_at, Dues(hold, 0, 0), held=held, parts={"A": 1}, reserved=reserved, places=HOME)


def test_what_one_gives_back_after_another_went_short_is_told_though_a_third_took_as_much() -> None:
    lines = [a_line("first", 1, hold=1, held=0), a_line("second", 2, hold=1, held=0), a_line("third", 3, hold=0, held=1)]

    plan = settle(lines, {("A", "home"): (2, 1)})

    assert [waits for *_, waits in plan.lines] == [None, "stock", None]
    assert plan.shelves["A", "home"] == [0, 0]
    assert plan.frees
