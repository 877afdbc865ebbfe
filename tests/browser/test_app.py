"""The app as people meet it: the rehearsal as a newcomer starts it, in a real browser, inside the simulated admin and alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.conftest import NARROW, WIDE, findings
from tests.browser.rehearsal import PATIENT_MS, SHORT, SKU, Rehearsal, rehearse, sign_in
from tests.processes.plant import until

pytestmark = pytest.mark.processes
ROOMS = ("/", "/start", "/orders", "/stock", "/stock/unmatched", "/attention", "/connections", "/settings", "/activity", "/account")
BESIDE = (
    f"/stock/sku?sku={SKU}", f"/stock/card?sku={SKU}", "/stock/lacks", "/stock/promise", "/stock/windows", "/stock/changes", "/inbound",
    "/inbound?show=cancelled", "/inbound/new", "/settings/buyers", "/shipments/waiting", "/settings/routing", "/shipments/day",
)  # fmt: skip


@pytest.fixture(scope="session")
def rehearsal(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearse(tmp_path_factory.mktemp("rehearsal"), orders=12) as there:
        yield there


@pytest.fixture
def owner(rehearsal: Rehearsal, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """owner(size=...) is the owner's browser, signed in."""

    def come(**more: Any) -> Page:
        page = open_page(**more)
        page.set_default_timeout(PATIENT_MS)
        sign_in(page, rehearsal)
        return page

    return come


def inside(page: Page) -> Frame:
    """What the admin's frame shows."""
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for(timeout=PATIENT_MS)
    return page.frames[1]


def test_the_app_is_installed_by_opening_it_and_a_new_order_appears_without_a_reload(
    rehearsal: Rehearsal, open_page: Callable[..., Page]
) -> None:
    """In the simulated admin's frame."""
    page = open_page()
    page.goto(rehearsal.admin)
    page.get_by_role("button", name="Uninstall Crossdock").click()
    page.get_by_role("button", name="Install", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=PATIENT_MS)
    assert findings(inside(page)) == []
    page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(frame.get_by_role("heading", name="Orders", level=1)).to_be_visible(timeout=PATIENT_MS)

    name = rehearsal.sells()
    expect(frame.get_by_role("link", name=name, exact=True)).to_be_visible(timeout=PATIENT_MS)
    frame.get_by_role("link", name=name, exact=True).click()
    expect(frame.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=PATIENT_MS)
    expect(frame.get_by_text("It adds up")).to_be_visible()
    assert findings(inside(page)) == []
    assert page.context.cookies() == []


def test_the_rehearsal_is_right_and_its_books_are_whole(rehearsal: Rehearsal, owner: Callable[..., Page]) -> None:
    assert "Everything is right." in rehearsal.said
    page = owner()

    page.goto(f"{rehearsal.hub}/books")
    expect(page.locator("main")).to_contain_text("0.01")
    page.goto(f"{rehearsal.hub}/books/costs")
    expect(page.locator("main")).to_contain_text("Cost missing")
    page.goto(f"{rehearsal.hub}/books/profit")
    expect(page.locator("main")).to_contain_text("USD")


def test_inside_the_admin_its_own_elements_are_drawn_and_axe_finds_nothing_serious(rehearsal: Rehearsal, open_page: Any) -> None:
    page, wrong = open_page(), []
    page.goto(rehearsal.admin)
    for room in ("Overview", "Orders", "Stock", "Needs attention", "Connections", "Settings", "Activity"):
        if room != "Overview":
            page.get_by_role("navigation").get_by_role("link", name=room).click()
        page.frame_locator("iframe").get_by_role("heading", name=room, level=1).wait_for(timeout=PATIENT_MS)
        frame = inside(page)
        drawn = frame.evaluate("[...document.querySelectorAll('s-badge, s-banner, s-section')].every((one) => one.shadowRoot)")
        wrong += [f"{room}: {one}" for one in findings(frame)] + ([] if drawn else [f"{room}: not drawn"])

    assert wrong == []


def test_where_the_admins_elements_do_not_come_ours_look_the_same(rehearsal: Rehearsal, open_page: Any) -> None:
    page, looks = open_page(), []
    for is_away in (False, True):
        if is_away:
            page.route("**/polaris.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
        page.goto(f"{rehearsal.admin}/connections")
        frame = page.frame_locator("iframe")
        frame.get_by_role("heading", name="Connections", level=1).wait_for(timeout=PATIENT_MS)
        badge = frame.locator("s-badge", has_text="Connected").first
        looks.append(badge.evaluate("(one) => [!!one.shadowRoot, getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"))

    assert [looks[0][0], looks[1][0]] == [True, False]
    assert looks[0][1:] == looks[1][1:]


def test_stock_that_is_adjusted_is_told_to_the_channel(rehearsal: Rehearsal, owner: Callable[..., Page]) -> None:
    page, before = owner(), rehearsal.shows(SKU)
    page.get_by_role("navigation").get_by_role("link", name="Stock").click()
    page.get_by_role("link", name=SKU, exact=True).click()

    page.get_by_role("combobox", name="How").select_option("by")
    page.get_by_label("Units", exact=True).fill("-5")
    page.get_by_role("combobox", name="Reason").select_option("damaged")
    page.get_by_role("button", name="Adjust").click()

    expect(page.get_by_text("Every channel is told")).to_be_visible(timeout=PATIENT_MS)
    until(lambda: rehearsal.shows(SKU) <= before - 5, "the shop was not told")


def test_a_listing_that_nobody_matched_needs_attention_until_somebody_matches_it(rehearsal: Rehearsal, owner: Callable[..., Page]) -> None:
    rehearsal.shop("catalogue", {"products": [{"sku": "ODD-LAMP", "title": "Odd lamp", "price": "5.00", "quantity": 9, "currency": "USD"}]})
    name, page = rehearsal.sells("ODD-LAMP"), owner()
    until(lambda: page.goto(f"{rehearsal.hub}/stock/unmatched") and page.get_by_text("Odd lamp").count(), "nobody saw the listing")

    page.get_by_label("SKU of Odd lamp").first.fill(SKU)
    page.get_by_role("row", name="Odd lamp").get_by_role("button", name="Match").click()
    expect(page.get_by_role("row", name="Odd lamp")).to_have_count(0, timeout=PATIENT_MS)

    page.goto(f"{rehearsal.hub}/orders?q={name.removeprefix('#')}")
    page.get_by_role("link", name=name, exact=True).click()
    until(lambda: page.reload() and page.get_by_text("1 at Main").count(), "the order is not reserved")


def test_a_count_that_would_empty_a_channel_is_parked_tried_again_in_vain_and_gone_once_it_is_taken_back(
    rehearsal: Rehearsal, owner: Callable[..., Page]
) -> None:
    page, shown = owner(), [one for one in rehearsal.shop("listings") if one["shown"]]
    rows = [f"{sku},0" for sku in sorted({one["sku"] for one in shown if one["sku"]})]
    page.goto(f"{rehearsal.hub}/stock/import")
    wrong = {"name": "wrong.csv", "mimeType": "text/csv", "buffer": "\n".join(["sku,on_hand", *rows]).encode()}
    page.get_by_label("CSV file").set_input_files(wrong)  # type: ignore[arg-type]
    for press in ("Look at it", "Take it"):
        page.get_by_role("button", name=press).click()
    expect(page.get_by_text("It is taken")).to_be_visible(timeout=PATIENT_MS)
    parked = page.get_by_role("heading", name="Many listings were about to be emptied")
    until(lambda: page.goto(f"{rehearsal.hub}/attention") and parked.count(), "nothing stopped it")
    assert sum(one["shown"] > 0 for one in rehearsal.shop("listings")) > len(shown) / 2

    page.locator("section", has=parked).get_by_role("button", name=re.compile("^Try")).click()
    expect(page.get_by_text("tried again")).to_be_visible(timeout=PATIENT_MS)
    page.goto(f"{rehearsal.hub}/stock/import")
    page.get_by_role("link", name="wrong.csv").click()
    for press in ("Look at the way back", "Take it"):
        page.get_by_role("button", name=press).click()
    expect(page.get_by_text("It is taken")).to_be_visible(timeout=PATIENT_MS)

    until(lambda: page.goto(f"{rehearsal.hub}/attention") and not parked.count(), "it is parked still")


def test_what_cannot_be_mended_is_left_with_a_note_and_is_gone(rehearsal: Rehearsal, owner: Callable[..., Page]) -> None:
    page = owner()
    page.goto(f"{rehearsal.hub}/attention")
    page.locator("section", has=page.get_by_role("heading", name="An order could not be read")).get_by_role(
        "link", name=re.compile("one by one", re.IGNORECASE)
    ).click()
    before = page.get_by_role("checkbox").count()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Why what is ticked may stay as it is").fill("made up by the rehearsal")
    page.get_by_role("button", name="Leave it").click()

    expect(page.get_by_role("checkbox")).to_have_count(before - 1, timeout=PATIENT_MS)


@pytest.fixture(scope="session")
def rooms(rehearsal: Rehearsal, chromium: Browser) -> list[str]:
    """All of them: with a delivery that is being written and one that came in part, and an order for more than there is."""
    first = rehearsal.sells(SHORT, units=rehearsal.shows(SHORT))
    names = (first, rehearsal.sells(SHORT, units=40))
    page = chromium.new_page()
    page.set_default_timeout(PATIENT_MS)
    sign_in(page, rehearsal)
    written = [deliver(page, rehearsal, "PO-1"), deliver(page, rehearsal, "PO-2")]
    page.get_by_role("button", name="It is on its way").click()
    page.get_by_label(re.compile("^Good units")).fill("2")
    page.get_by_role("button", name="Receive these").click()
    short: list[str] = []
    until(lambda: short or short.extend(lacking(page, rehearsal, names)), "nothing is missing of any order")
    page.close()
    return [*ROOMS, *BESIDE, *written, f"{written[0]}/change", short[0]]


def deliver(page: Page, there: Rehearsal, papers: str) -> str:
    """Goods are ordered; gives the path of their page."""
    page.goto(f"{there.hub}/inbound/new")
    page.get_by_label("What its papers say").fill(papers)
    page.get_by_label("What is on it").fill(f"{SKU}=6")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{there.hub}/inbound")
    page.get_by_role("link", name=papers, exact=True).click()
    page.get_by_role("heading", name=papers, level=1).wait_for()
    return page.url.removeprefix(there.hub)


def lacking(page: Page, there: Rehearsal, names: tuple[str, ...]) -> list[str]:
    """Of these orders, where it is said what can be done about what is missing."""
    found = []
    for name in names:
        page.goto(f"{there.hub}/orders?q={name.removeprefix('#')}")
        if (link := page.get_by_role("link", name=name, exact=True)).count():
            found.append(f"{str(link.get_attribute('href')).partition('?')[0]}/short")
    return [path for path in found if page.goto(there.hub + path) and page.get_by_role("button", name="Let it wait").count()]


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "light"), (WIDE, "dark")])
def test_every_room_fits_the_screen_and_axe_finds_nothing_serious(
    rehearsal: Rehearsal, rooms: list[str], owner: Callable[..., Page], size: dict[str, int], scheme: str
) -> None:
    page, wrong = owner(size=size, color_scheme=scheme), []
    for room in rooms:
        page.goto(rehearsal.hub + room)
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            wrong.append(f"{room} is wider than the screen")
        wrong += [f"{room}: {one}" for one in findings(page)]

    assert wrong == []


def test_an_order_is_found_and_held_by_keyboard_alone(rehearsal: Rehearsal, open_page: Callable[..., Page]) -> None:
    name, page = rehearsal.sells(), open_page()
    page.set_default_timeout(PATIENT_MS)
    page.goto(rehearsal.hub)
    expect(page.get_by_label("E-mail address")).to_be_focused(timeout=PATIENT_MS)
    for words in ("owner@example.com", rehearsal.password):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=PATIENT_MS)

    tab_to(page, "link", "Orders")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible(timeout=PATIENT_MS)
    tab_to(page, "searchbox", "Search")
    page.keyboard.type(name.removeprefix("#"))
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    tab_to(page, "link", name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible(timeout=PATIENT_MS)
    tab_to(page, "button", "Hold")
    page.keyboard.press("Enter")

    expect(page.get_by_text("On hold").first).to_be_visible(timeout=PATIENT_MS)


def tab_to(page: Page, role: Any, name: str) -> None:
    """Go on by Tab until it has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True).first
    for _ in range(80):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to the {role} {name}")


def test_inside_the_admin_files_are_saved_and_the_page_stays(rehearsal: Rehearsal, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.set_default_timeout(PATIENT_MS)
    page.goto(rehearsal.admin)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Overview", level=1)).to_be_visible(timeout=PATIENT_MS)

    page.get_by_role("navigation").get_by_role("link", name="Stock").click()
    stock = saved(page, lambda: frame.get_by_role("link", name="Export", exact=True).click())
    assert (stock[0], "on_hand" in stock[1], SKU in stock[1]) == ("stock.csv", True, True)
    expect(frame.get_by_role("heading", name="Stock", level=1)).to_be_visible()

    page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(frame.get_by_role("heading", name="Orders", level=1)).to_be_visible(timeout=PATIENT_MS)
    frame.get_by_role("checkbox", name="#").first.check()
    frame.get_by_text("With the orders that are ticked").click()
    ticked = saved(page, lambda: frame.get_by_role("button", name="Export").click())
    assert re.fullmatch(r"orders-\d{4}-\d\d-\d\d-\d{4}\.csv", ticked[0])
    assert len(ticked[1].splitlines()) == 2

    frame.get_by_role("link", name="Export", exact=True).click()
    orders = saved(page, lambda: frame.get_by_role("button", name="Download").click())
    assert "Shopify" in orders[1]
    expect(frame.get_by_role("heading", name="Export orders", level=1)).to_be_visible()


def saved(page: Page, press: Callable[[], None]) -> tuple[str, str]:
    """The name and the text of the file that this saves."""
    with page.expect_download(timeout=PATIENT_MS) as awaited:
        press()
    return awaited.value.suggested_filename, awaited.value.path().read_text("utf-8-sig")


BOOKS = (
    "",
    "/payouts",
    "/open",
    "/gateways",
    "/deposits",
    "/opening",
    "/held",
    "/rates",
    "/profit",
    "/costs",
    "/postage",
    "/balances",
    "/certificate",
)


def test_no_page_of_the_books_scrolls_sideways_on_a_phone(rehearsal: Rehearsal, owner: Callable[..., Page]) -> None:
    page = owner(size=NARROW)
    page.goto(f"{rehearsal.hub}/books/payouts")
    payouts = [str(one.get_attribute("href")) for one in page.locator("tbody a").all()[:5]]
    paths = [*(f"/books{one}" for one in (*BOOKS, "/ledgers")), *payouts]
    assert payouts and {path: wide for path in paths if (wide := width(page, rehearsal.hub + path)) > NARROW["width"]} == {}


def width(page: Page, address: str) -> int:
    """How wide the page is, in pixels."""
    answer = page.goto(address)
    assert answer and answer.ok, address
    return int(page.evaluate("document.documentElement.scrollWidth"))
