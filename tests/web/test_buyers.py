"""What buyers are told and see: chosen by the merchant, written to the buyer, and open to whoever has a parcel's address."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from core.domain.roles import Role
from core.papers.logos import NoPicture, drawn_anew
from core.ports import Letter
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import BUYER, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person
from web.app import make_app

ADDRESS = "nadia@buyer.example"


class Office:
    def __init__(self) -> None:
        self.taken: list[Letter] = []

    def mail(self, letter: Letter) -> str:
        self.taken.append(letter)
        return "sent"

    def call(self, letter: Letter) -> str:
        return "sent"


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    house.hub.post, house.hub.public_url = Office(), "https://hub.example"
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def nobody(dock: Depot) -> Any:
    return make_app(dock.house.hub, ways=()).test_client()


def sold(dock: Depot) -> str:
    """Sent to Nadia; gives the address of the parcel's page."""
    dock.house.bogus.sell({"A": 1}, ship_to=BUYER, email=ADDRESS)
    dock.poll()
    dock.label()
    dock.send()
    return f"/track/{books.one(dock.house.hub, 'select token from parcels')}"


def picture(kind: str = "PNG", size: tuple[int, int] = (900, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#336699").save(out, kind)
    return out.getvalue()


def bring(ana: Person, raw: bytes) -> str:
    return ana.client.post("/settings/buyers/logo", data={"logo": (io.BytesIO(raw), "logo.png")}).text


def test_a_merchant_chooses_and_a_buyer_is_told_and_the_shipment_says_so(dock: Depot, ana: Person) -> None:
    channel = dock.house.connection.id
    text = ana.get("/settings/buyers")
    assert "checked" not in text and "was sent" in text

    text = ana.post("/settings/buyers/letters", **{f"kinds_{channel}": ["shipped", "wondrous"], "reply_to": "shop@north.example"})
    assert text.count(" checked") == 1
    sold(dock)

    [letter] = dock.house.hub.post.taken  # type: ignore[union-attr]
    assert (letter.to, letter.answer_to) == (ADDRESS, "shop@north.example")
    assert "Told to the buyer" in ana.get("/shipments/S1/story")
    [id] = re.findall(r'name="letter" value="([^"]+)"', ana.get("/shipments/S1/story"))
    assert "once more" in ana.post("/shipments/S1/tell-again", letter=id)
    assert "no such letter" in ana.post("/shipments/S1/tell-again", letter="another")
    dock.house.drain()
    assert len(dock.house.hub.post.taken) == 2  # type: ignore[union-attr]


@on_sqlite
def test_what_is_no_address_for_answers_is_not_kept(dock: Depot, ana: Person) -> None:
    assert "Write one mail address" in ana.post("/settings/buyers/letters", reply_to="shop")


@on_sqlite
def test_who_may_not_set_anything_sees_no_settings_of_buyers(dock: Depot) -> None:
    packer = person(dock.house.hub, dock.merchant, Role.PACKER)

    assert [packer.ask("/settings/buyers").status_code, packer.send("/settings/buyers/look").status_code] == [403, 403]


@on_sqlite
def test_an_example_is_sent_to_who_asks(dock: Depot, ana: Person) -> None:
    assert "nowhere to send it" in ana.post("/settings/buyers/try", kind="shipped")
    assert ana.send("/settings/buyers/try", kind="wondrous").status_code == 404

    with dock.house.hub.unit() as work:
        work.db.exec_driver_sql("insert into users (id, email, data_key, created_at) values ('u1', 'ana@north.example', '', 1)")
        work.db.exec_driver_sql(f"insert into members (merchant, user_id, role, created_at) values ('{dock.merchant}', 'u1', 'owner', 1)")
    assert "on its way" in ana.post("/settings/buyers/try", kind="delivered")
    dock.house.drain()

    [letter] = dock.house.hub.post.taken  # type: ignore[union-attr]
    assert (letter.to, "was delivered" in letter.title) == ("ana@north.example", True)


def test_the_page_of_a_parcel_has_the_look_of_the_shop(dock: Depot, ana: Person) -> None:
    page = sold(dock)
    assert nobody(dock).get(f"{page}/logo.png").status_code == 404
    ana.post("/settings/buyers/look", colored="1", color="#336699", link="https://north.example", support="help@north.example")
    assert 'src="/settings/buyers/logo.png' in bring(ana, picture())

    text = nobody(dock).get(page).text
    assert all(words in text for words in ("https://north.example", "mailto:help@north.example", f"{page}/logo.png", f"{page}/look.css"))
    sheet, shown = nobody(dock).get(f"{page}/look.css"), nobody(dock).get(f"{page}/logo.png")
    assert sheet.text == ":root { --shop: #336699; --shop-ink: #ffffff; }\n"
    assert (shown.content_type, shown.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert Image.open(io.BytesIO(shown.data)).size == (600, 200)
    assert all("noindex" in answer.headers["X-Robots-Tag"] for answer in (sheet, shown))

    ana.post("/settings/buyers/logo/remove")
    assert "logo.png" not in nobody(dock).get(page).text


@on_sqlite
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_pictures_are_drawn_anew_as_png(dock: Depot, ana: Person, kind: str) -> None:
    bring(ana, picture(kind))

    assert ana.ask("/settings/buyers/logo.png").data.startswith(b"\x89PNG")


LARGE = picture("PNG", (5000, 4000))
BAD = (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", picture()[:60], LARGE)


@on_sqlite
@pytest.mark.parametrize("raw", BAD, ids=range(len(BAD)))
def test_what_is_no_picture_or_too_much_of_one_is_not_shown(dock: Depot, ana: Person, raw: bytes) -> None:
    assert "Choose a picture" in bring(ana, raw)
    assert ana.ask("/settings/buyers/logo.png").status_code == 204


@on_sqlite
@pytest.mark.parametrize("wrong", [{"color": "red;}", "colored": "1"}, {"link": "javascript:alert(1)"}, {"support": "x"}])
def test_a_look_that_cannot_be_meant_is_not_kept(dock: Depot, ana: Person, wrong: dict[str, str]) -> None:
    assert "A color is written" in ana.post("/settings/buyers/look", **wrong)


@on_sqlite
def test_each_parcel_of_the_order_is_on_the_page(dock: Depot) -> None:
    page = sold(dock)
    shipment, parcel = books.one(dock.house.hub, "select id from shipments"), "insert into parcels (id, merchant, shipment, number, token)"
    with dock.house.hub.unit() as work:
        work.db.exec_driver_sql(
            "insert into shipments (id, merchant, order_id, number, name, location, state, created_at, person) "
            f"select 's2', merchant, order_id, 2, 'S2', location, 'sent', created_at, person from shipments where id = '{shipment}'"
        )
        work.db.exec_driver_sql(f"{parcel} values ('p2', '{dock.merchant}', 's2', 1, 't2')")

    assert '<a href="/track/t2">Parcel 2 of 2</a>' in nobody(dock).get(page).text


@on_sqlite
def test_the_page_speaks_the_language_that_the_browser_asks_for(dock: Depot) -> None:
    page = sold(dock)

    assert '<html lang="ru">' in nobody(dock).get(page, headers={"Accept-Language": "ru-RU,ru;q=0.9"}).text


@on_sqlite
def test_who_tries_many_addresses_waits(dock: Depot) -> None:
    page, guest = sold(dock), nobody(dock)
    said = [guest.get(f"/track/guess-{n}").status_code for n in range(121)]
    assert (said.count(404), said[-1]) == (120, 429)
    assert guest.get(page, environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code == 200

    dock.house.clock.pass_(timedelta(minutes=1))
    assert guest.get(page).status_code == 200


def test_a_picture_of_more_than_a_megabyte_is_not_even_looked_at() -> None:
    with pytest.raises(NoPicture, match="megabyte"):
        drawn_anew(picture() + b"x" * 1_000_000)
