"""Papers of shipments: slips, pick lists and labels, as often as one likes."""

import io

import pypdf
import pytest

from core.domain.shipping import LabelFormat
from core.flows import labelling, printing
from core.flows.printing import NothingToPrint
from core.store import cards
from tests.conftest import House
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite

pytestmark = on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=20, B=20)
    return depot(house)


def text(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_a_slip_says_what_is_in_the_parcel_and_where_it_goes_in_the_order_that_was_asked_for(dock: Depot) -> None:
    dock.sell(A=2, B=1)
    dock.sell(B=3)

    pages = text(printing.slips(dock.house.hub, dock.merchant, [dock.id("S2"), dock.id("S1")]))

    assert ["S2" in pages[0], "S1" in pages[1]] == [True, True]
    assert all(word in pages[1] for word in ("Nadia Osei", "77 Juniper Street", "Austin", "A", "B"))


def test_a_pick_list_walks_the_bins_and_says_what_goes_into_which_tote(dock: Depot) -> None:
    dock.sell(A=2, B=1)
    dock.sell(B=3)
    with dock.house.hub.unit() as work:
        cards.put(work.db, dock.merchant, {("A", dock.house.place): "C-10", ("B", dock.house.place): "C-2"})

    [page] = text(printing.pick_list(dock.house.hub, dock.merchant, [dock.id("S1"), dock.id("S2")]))

    assert page.index("C-2") < page.index("C-10")
    assert "S1" in page and "S2" in page and "4" in page


def test_labels_are_printed_again_and_nothing_is_bought_for_it(dock: Depot) -> None:
    for _ in range(2):
        dock.sell(A=1)
    for name in ("S1", "S2"):
        dock.label(name)

    [paper] = printing.labels(dock.house.hub, dock.merchant, [dock.id("S2"), dock.id("S1")])
    again = printing.labels(dock.house.hub, dock.merchant, [dock.id("S2"), dock.id("S1")])

    assert paper.format is LabelFormat.ZPL
    assert paper.content.index(b"BP00000002") < paper.content.index(b"BP00000001")
    assert again == (paper,)
    assert len(dock.post.purchases) == 2


def test_a_label_that_was_given_back_is_not_printed_any_more(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    with pytest.raises(NothingToPrint):
        printing.labels(dock.house.hub, dock.merchant, [dock.id()])
    dock.label()
    [paper] = printing.labels(dock.house.hub, dock.merchant, [dock.id()])
    assert b"BP00000002" in paper.content and b"BP00000001" not in paper.content


def test_where_there_is_nothing_to_print_it_says_so(dock: Depot) -> None:
    for make in (printing.slips, printing.pick_list, printing.labels):
        with pytest.raises(NothingToPrint):
            make(dock.house.hub, dock.merchant, ["nobody"])
