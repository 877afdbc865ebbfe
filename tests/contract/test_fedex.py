"""FedEx: its answers from files, its bodies, and the carrier against its simulator where others do not do the same."""

import copy
import importlib.util
import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

import connectors
from connectors import simulated_papers
from connectors.fedex import MANIFEST, normalize, render, simulator, units
from connectors.fedex.carrier import FedexCarrier
from connectors.fedex.client import Client
from connectors.http import Http, read_json
from connectors.simulation import InProcess, reply
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import Agreed, Bought, Box, Collection, Duties, LabelFormat, Paper, Progress, Sought, Verdict, Voided, Voiding
from core.errors import AccessLost, BadPayload, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import ChecksAddresses, ClosesDays, PicksUp, Refunds, Reprints
from tests.contract.carriers import ABROAD, AT_HOME, DECLARED, KEY, SENDER, Rig, wish

ROOT = Path(connectors.__file__).parents[1]
EXAMPLES = sorted((ROOT / "connectors/fedex/examples").glob("*.in.json"))
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
SETTINGS, ACCOUNT = MANIFEST.settings, simulator.ACCOUNT
PICKUP = Collection(SENDER, datetime(2026, 11, 18, 14, 0), datetime(2026, 11, 18, 17, 30), 3, 4500, "Ring at dock 4")
READ = {
    "quotes": lambda said: normalize.quotes(said, SETTINGS),
    "bought": lambda said: normalize.bought(said, wish(ABROAD, 2, label=LabelFormat.ZPL), SETTINGS),
    "tracked": normalize.tracked,
    "found": lambda said: normalize.found(said, wish(boxes=2), KEY),
    "checked": lambda said: normalize.checked(said, AT_HOME),
    "agreed": lambda said: normalize.agreed(said, PICKUP, SETTINGS),
}


def plain(value: Any) -> Any:
    """One of our values as JSON, without what says nothing."""
    match value:
        case Money():
            return f"{value.text()} {value.currency}"
        case Paper():
            return f"{value.kind} {value.format} {value.content.decode()}"
        case StrEnum() | date():
            return str(value)
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    if is_dataclass(value):
        said = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {name: one for name, one in said.items() if one not in (None, "", [], {})}
    return value


def kind_of(path: Path) -> str:
    return path.name.partition(".")[0]


def branches(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from branches(one, (*at, key))


def damaged(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """The document with another value there; `...`: without it."""
    grown = copy.deepcopy(document)
    place = grown
    for step in way[:-1]:
        place = place[step]
    if value is ...:
        del place[way[-1]]
    else:
        place[way[-1]] = value
    return grown


# ---- what it answers, from files


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".in.json"))
def test_an_example_becomes_what_stands_beside_it(path):
    said = READ[kind_of(path)](read_json(path.read_bytes()))

    assert plain(said) == json.loads(path.with_name(path.name.replace(".in.", ".out.")).read_text("utf-8"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".in.json"))
@pytest.mark.parametrize("value", [..., None, [], {}, "", "x", 7, Decimal("1E+999999"), True, [7], {"a": 1}], ids=repr)
def test_whatever_is_wrong_in_an_answer_is_a_bad_payload_or_does_not_matter(path, value):
    document = read_json(path.read_bytes())

    for way in branches(document["output"], ("output",)):
        try:
            READ[kind_of(path)](damaged(document, way, value))
        except BadPayload as error:
            assert str(error).startswith("fedex: ")
        except Unavailable:
            assert kind_of(path) == "found"


@pytest.mark.parametrize(
    ("example", "field"),
    [
        ("quotes.britain", "totalNetCharge"),
        ("quotes.britain", "serviceType"),
        ("quotes.britain", "currency"),
        ("bought.two_boxes_abroad", "trackingNumber"),
        ("bought.two_boxes_abroad", "transactionShipments"),
        ("tracked.journey", "eventType"),
        ("tracked.journey", "date"),
        ("checked.corrected", "resolvedAddresses"),
        ("agreed.express", "pickupConfirmationCode"),
    ],
)
def test_a_field_that_is_missing_is_named(example, field):
    document = read_json((ROOT / f"connectors/fedex/examples/{example}.in.json").read_bytes())
    ways = [way for way in branches(document["output"], ("output",)) if way[-1] == field]

    with pytest.raises(BadPayload, match=field):
        READ[example.partition(".")[0]](damaged(document, ways[-1], ...))


def test_a_job_is_known_by_its_number():
    assert normalize.job({"output": {"jobId": "j1"}}) == "j1"
    assert normalize.job({"output": {"transactionShipments": [{}]}}) == ""


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("CANCELSHIPMENT.TRACKINGNUMBER.DELETED", Voided.VOIDED),
        ("MASTERTRACKINGID.TRACKINGNUMBER.CANCELLED", Voided.VOIDED),
        ("SHIPMENT.CANCELEDWITHOUTPICKUP.SUCCESS", Voided.VOIDED),
        ("SHIPMENT.CANCELEDWITHOUTPICKUP.FAILURE", Voided.REFUSED),
        ("TRACKINGIDS.TRACKINGNUMBER.CLOSED", Voided.REFUSED),
        ("SOMETHING.NEW", None),
    ],
)
def test_what_declining_a_cancellation_means_is_a_table(code, verdict):
    assert normalize.cancelled(frozenset([code])) is verdict


def test_every_word_of_ours_but_the_unknown_one_is_the_meaning_of_a_code():
    assert set(normalize.PROGRESS.values()) == set(Progress) - {Progress.UNKNOWN}


# ---- what it is asked


@given(st.integers(1, 10_000_000))
def test_a_weight_is_never_rounded_down_and_never_up_by_much(grams):
    assert 0 <= units.pounds(grams) * 45_359_237 - grams * 100_000 < 453_593
    assert 0 <= units.kilograms(grams) * 1000 - grams < 10
    assert units.exactly(grams) * 1000 == grams


def test_a_length_is_rounded_up():
    assert [units.inches(side) for side in (1, 254, 255)] == [1, 10, 11]
    assert [units.centimetres(side) for side in (1, 250, 251)] == [1, 25, 26]


@given(st.binary(min_size=16, max_size=16))
def test_a_key_is_short_enough_for_ground_and_can_be_read_back(raw):
    written = units.reference(raw.hex())

    assert len(written) <= 30 and written.isalnum() and units.key_of(written) == raw.hex()


def asked(one=None, service="FEDEX_2_DAY", **settings):
    body = render.shipment(one or wish(), service, KEY, ACCOUNT, {**SETTINGS, **settings})
    return body["requestedShipment"]


def test_our_key_is_on_every_box_and_the_orders_name_beside_it():
    said = asked(wish(boxes=3))

    assert [
        {one["customerReferenceType"]: one["value"] for one in item["customerReferences"]} for item in said["requestedPackageLineItems"]
    ] == [{"CUSTOMER_REFERENCE": units.reference(KEY), "P_O_NUMBER": "1001"}] * 3
    assert [item["sequenceNumber"] for item in said["requestedPackageLineItems"]] == [1, 2, 3]


def test_inside_the_united_states_it_is_pounds_and_inches_and_else_kilograms_and_centimetres():
    home, abroad = asked()["requestedPackageLineItems"][0], asked(wish(ABROAD))["requestedPackageLineItems"][0]

    assert (home["weight"], abroad["weight"]) == ({"units": "LB", "value": Decimal("3.31")}, {"units": "KG", "value": Decimal("1.50")})
    assert home["dimensions"] == {"length": 12, "width": 8, "height": 6, "units": "IN"}
    assert abroad["dimensions"] == {"length": 30, "width": 20, "height": 15, "units": "CM"}
    assert asked()["totalWeight"] == asked(wish(ABROAD))["totalWeight"] == Decimal("3.4")


def test_a_size_of_which_a_side_is_not_known_is_not_told():
    assert "dimensions" not in asked(replace(wish(), boxes=(Box(1500, 300, 200),)))["requestedPackageLineItems"][0]


def test_a_long_street_goes_on_in_the_next_line_and_what_does_not_fit_is_declined():
    long = replace(AT_HOME, street1="1200 Old Stagecoach Road at the Bridge, House 7", street2="Apt 5")
    longer = replace(long, street2="Second courtyard on the left behind the bakery", street3="Third floor")

    assert asked(wish(long))["recipients"][0]["address"]["streetLines"] == ["1200 Old Stagecoach Road at the", "Bridge, House 7", "Apt 5"]
    with pytest.raises(Refused) as refused:
        asked(wish(longer))
    assert "bakery" not in str(refused.value)


def test_who_has_no_telephone_is_reached_through_the_sender():
    assert asked(wish(replace(AT_HOME, phone="")))["recipients"][0]["contact"]["phoneNumber"] == "12075550133"
    assert asked()["recipients"][0]["contact"]["phoneNumber"] == "15125550172"


def test_whether_it_is_a_home_is_told_where_it_is_known_or_the_service_goes_to_homes_only():
    def said(service, residential):
        return asked(wish(residential=residential), service)["recipients"][0]["address"].get("residential")

    assert [said("FEDEX_GROUND", known) for known in (None, True, False)] == [None, True, False]
    assert said("GROUND_HOME_DELIVERY", None) is True


def test_a_signature_and_what_it_is_insured_for_are_asked_for():
    boxes = (Box(900, value=Money(3000, "USD")), Box(900, value=Money(1000, "USD")))
    said = asked(replace(wish(signature=True, insured=Money(10001, "USD")), boxes=boxes))

    special = {"specialServiceTypes": ["SIGNATURE_OPTION"], "signatureOptionType": "DIRECT"}
    assert [item["packageSpecialServices"] for item in said["requestedPackageLineItems"]] == [special] * 2
    shares = [item["declaredValue"]["amount"] for item in said["requestedPackageLineItems"]]
    assert shares == [Decimal("75.00"), Decimal("25.01")] and sum(shares) == said["totalDeclaredValue"]["amount"]


def test_what_goes_abroad_says_what_it_is_and_who_pays_the_duties():
    said = asked(wish(ABROAD))
    detail = said["customsClearanceDetail"]

    assert detail["dutiesPayment"]["paymentType"] == "SENDER"
    assert detail["dutiesPayment"]["payor"]["responsibleParty"]["accountNumber"] == {"value": ACCOUNT}
    assert detail["commercialInvoice"]["termsOfSale"] == "DDP"
    assert detail["commercialInvoice"]["customerReferences"] == [{"customerReferenceType": "INVOICE_NUMBER", "value": "INV-1001"}]
    assert detail["totalCustomsValue"] == {"amount": Decimal("37.00"), "currency": "USD"}
    assert detail["commodities"] == [
        {
            "description": "Stoneware mug",
            "numberOfPieces": 2,
            "quantity": 2,
            "quantityUnits": "PCS",
            "weight": {"units": "KG", "value": Decimal("0.800")},
            "unitPrice": {"amount": Decimal("18.50"), "currency": "USD"},
            "customsValue": {"amount": Decimal("37.00"), "currency": "USD"},
            "harmonizedCode": "691200",
            "countryOfManufacture": "PT",
            "partNumber": "MUG-1",
        }
    ]
    assert said["shipper"]["tins"] == [{"number": "IM2760000742", "tinType": "BUSINESS_UNION", "usage": "IOSS"}]


def test_duties_that_the_receiver_pays_name_no_account():
    detail = asked(wish(ABROAD, customs=replace(DECLARED, duties=Duties.RECEIVER)))["customsClearanceDetail"]

    assert detail["dutiesPayment"] == {"paymentType": "RECIPIENT"}
    assert detail["commercialInvoice"]["termsOfSale"] == "DAP"


def test_invoices_go_to_the_customs_directly_only_where_the_merchant_says_so():
    assert "shipmentSpecialServices" not in asked(wish(ABROAD))
    etd = asked(wish(ABROAD), paperless=True)["shipmentSpecialServices"]
    assert etd["specialServiceTypes"] == ["ELECTRONIC_TRADE_DOCUMENTS"]


def test_currencies_are_written_as_fedex_writes_them_and_read_both_ways():
    assert units.money(Money(1250, "GBP"), SETTINGS) == {"amount": Decimal("12.50"), "currency": "UKL"}
    assert units.money(Money(1250, "JPY"), SETTINGS) == {"amount": Decimal("1250"), "currency": "JYE"}
    assert [units.currency(code, SETTINGS) for code in ("UKL", "GBP", "USD")] == ["GBP", "GBP", "USD"]


def test_a_purchase_is_looked_for_from_before_its_call_to_after_its_day():
    said = render.search(replace(wish(), ship_on=date(2026, 12, 1)), KEY, date(2026, 11, 18), ACCOUNT, SETTINGS)

    assert said["referencesInformation"] == {
        "value": units.reference(KEY),
        "accountNumber": ACCOUNT,
        "shipDateBegin": "2026-11-15",
        "shipDateEndDate": "2026-12-02",
    }


def test_a_code_for_a_state_is_told_and_its_whole_name_is_not():
    bavaria = Address("Nadia Osei", "", "Am Markt 1", "", "", "Passau", "Bayern", "94032", "DE")

    assert "stateOrProvinceCode" not in render.check(bavaria)["addressesToValidate"][0]["address"]
    assert render.check(AT_HOME)["addressesToValidate"][0]["address"]["stateOrProvinceCode"] == "TX"


# ---- the carrier against its simulator


@pytest.fixture
def rig():
    return Rig(MANIFEST)


def test_it_says_what_it_can_do_and_what_it_cannot(rig):
    assert isinstance(rig.carrier, ChecksAddresses) and isinstance(rig.carrier, PicksUp)
    assert not isinstance(rig.carrier, Reprints | Refunds | ClosesDays)


def test_prices_are_the_accounts_and_the_lists_stand_beside_them(rig):
    quotes = {quote.service: quote for quote in rig.carrier.rates(wish(residential=True))}

    assert "FEDEX_GROUND" not in quotes and quotes["GROUND_HOME_DELIVERY"].name == "FedEx Home Delivery"
    assert all(quote.listed and quote.price.minor < quote.listed.minor for quote in quotes.values())
    assert quotes["GROUND_HOME_DELIVERY"].arrives_on == date(2026, 11, 24)  # four business days from a Wednesday
    assert len({quote.price.minor for quote in quotes.values()}) == len(quotes)


def test_a_heavier_box_and_a_longer_way_cost_more(rig):
    def price(one):
        return min(quote.price.minor for quote in rig.carrier.rates(one))

    near = wish(replace(AT_HOME, postcode="01810", region="MA", city="Andover"))
    assert price(near) < price(wish()) < price(replace(wish(), boxes=(Box(9000),)))


def test_where_no_service_goes_there_is_no_offer(rig):
    assert rig.carrier.rates(replace(wish(), sender=ABROAD, to=ABROAD)) == []


def test_several_boxes_are_one_shipment(rig):
    made = rig.carrier.buy(wish(boxes=4), "FEDEX_GROUND", KEY)

    assert rig.calls() == ["token", "token", "createShipment"]
    assert made.handle == {"tracking": made.master, "country": "US"} and len(made.labels) == 4
    assert made.price == Money(sum(round(Decimal(one["price"]) * 100) for one in rig.live()), "USD")


def test_a_commercial_invoice_comes_with_the_labels(rig):
    made = rig.carrier.buy(wish(ABROAD, 2), "FEDEX_INTERNATIONAL_PRIORITY", KEY)

    assert [(paper.kind, paper.format, paper.content[:4]) for paper in made.forms] == [("invoice", LabelFormat.PDF, b"%PDF")]
    assert made.arrives_on == date(2026, 11, 23)


def test_what_is_bought_costs_what_was_offered(rig):
    for one in (wish(boxes=2), wish(ABROAD)):
        for quote in rig.carrier.rates(one):
            assert rig.carrier.buy(one, quote.service, KEY).price == quote.price


def test_each_call_says_its_language_and_a_purchase_its_key(rig):
    rig.carrier.buy(wish(), "FEDEX_2_DAY", KEY)
    rig.carrier.track(["794600000015"])

    sent = [json.loads(line)["headers"] for line in rig.recorder.getvalue().splitlines()][-2:]
    assert [one["x-locale"] for one in sent] == ["en_US"] * 2
    assert [one["x-customer-transaction-id"] for one in sent] == [KEY, "20261118T150000000000"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boxes": (Box(70_000),)}, "150 LB"),
        ({"to": replace(AT_HOME, postcode="")}, "postal code"),
        ({"to": replace(AT_HOME, region="")}, "state"),
        ({"to": replace(AT_HOME, phone=""), "sender": replace(SENDER, phone="")}, "phoneNumber"),
        ({"to": replace(AT_HOME, street1="", street2="")}, "streetLines"),
    ],
)
def test_what_the_schema_refuses_is_refused_in_its_words(rig, change, words):
    with pytest.raises(Refused) as refused:
        rig.carrier.buy(replace(wish(), **change), "FEDEX_2_DAY", KEY)

    assert words in refused.value.words and refused.value.facts["codes"] and refused.value.facts["request_id"]
    assert rig.live() == []


def test_a_service_that_is_not_offered_there_is_refused(rig):
    with pytest.raises(Refused, match=r"SERVICETYPE\.NOT\.ALLOWED"):
        rig.carrier.buy(wish(), "INTERNATIONAL_ECONOMY", KEY)


def test_goods_of_which_something_is_missing_are_refused_abroad(rig):
    nameless = replace(DECLARED, goods=(replace(DECLARED.goods[0], origin=""),))

    with pytest.raises(Refused) as refused:
        rig.carrier.buy(wish(ABROAD, customs=nameless), "FEDEX_INTERNATIONAL_PRIORITY", KEY)

    assert "countryOfManufacture" in refused.value.words


def test_inside_one_customs_area_nothing_is_declared(rig):
    paris = Address("Nadia Osei", "", "12 rue des Lilas", "", "", "Paris", "", "75011", "FR", "+33155501440")
    one = replace(wish(paris, customs=None), sender=ABROAD)

    assert rig.carrier.buy(one, rig.carrier.rates(one)[0].service, KEY).forms == ()


# More boxes than are labelled at once


def test_the_labels_of_many_boxes_are_fetched_from_the_job_that_makes_them():
    rig = Rig(MANIFEST, limits="relaxed")

    made = rig.carrier.buy(wish(boxes=41), "FEDEX_GROUND", KEY)

    assert rig.calls()[-2:] == ["createShipment", "shipmentResults"] and len(made.labels) == len(rig.live()) == 41


def test_a_job_that_is_not_done_leaves_open_what_was_bought(rig):
    with pytest.raises(OutcomeUnknown):
        rig.carrier.buy(wish(boxes=41), "FEDEX_GROUND", KEY)
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)

    found = rig.carrier.find(wish(boxes=41), "FEDEX_GROUND", KEY)

    assert isinstance(found, Bought) and len(found.tracking) == 41


# What became of a purchase


def lost(rig, one):
    rig.fail("cut_after", "createShipment")
    with pytest.raises(OutcomeUnknown):
        rig.carrier.buy(one, "FEDEX_GROUND", KEY)


def test_a_purchase_is_found_without_its_labels_only_after_a_while(rig):
    lost(rig, wish(boxes=2))
    early = rig.carrier.find(wish(boxes=2), "FEDEX_GROUND", KEY)
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)

    found = rig.carrier.find(wish(boxes=2), "FEDEX_GROUND", KEY)

    assert early is Sought.ABSENT
    assert isinstance(found, Bought) and found.labels == () and [one["tracking"] for one in rig.live()] == list(found.tracking)


def test_a_purchase_that_was_given_back_is_absent(rig):
    made = rig.carrier.buy(wish(), "FEDEX_GROUND", KEY)
    rig.carrier.void(made)
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)

    assert rig.carrier.find(wish(), "FEDEX_GROUND", KEY) is Sought.ABSENT


def test_a_purchase_of_which_not_every_box_is_known_yet_is_asked_for_again(rig):
    lost(rig, wish(boxes=2))
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)

    with pytest.raises(Unavailable):
        rig.carrier.find(wish(boxes=3), "FEDEX_GROUND", KEY)


def test_what_was_bought_twice_with_one_key_is_for_a_person_to_look_at(rig):
    for _ in range(2):
        rig.carrier.buy(wish(), "FEDEX_GROUND", KEY)
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)

    assert rig.carrier.find(wish(), "FEDEX_GROUND", KEY) is Sought.CANNOT_TELL


def test_a_purchase_is_found_days_after_the_day_it_was_wanted_for(rig):
    early = replace(wish(), ship_on=date(2026, 11, 16))
    lost(rig, early)  # FedEx makes it today's
    rig.clock.forward(days=2)

    assert isinstance(rig.carrier.find(early, "FEDEX_GROUND", KEY), Bought)


def test_a_reference_type_is_asked_for_where_the_operator_names_one():
    rig = Rig(MANIFEST, reference_type="NO_SUCH_TYPE")

    with pytest.raises(Refused, match=r"REFERENCETYPE\.INVALID"):
        rig.carrier.find(wish(), "FEDEX_GROUND", KEY)


# Giving back


@pytest.mark.parametrize("later", [{"days": 0}, {"days": 1}])
def test_what_was_picked_up_or_is_of_another_day_is_not_taken_back(rig, later):
    made = rig.carrier.buy(wish(boxes=2), "FEDEX_GROUND", KEY)
    rig.clock.forward(**later)
    if not later["days"]:
        rig.simulator.move(made.tracking[1], "pick_up", {})

    assert rig.carrier.void(made).became is Voided.REFUSED
    assert len(rig.live()) == 2


def test_a_label_that_fedex_does_not_know_is_refused_in_its_words(rig):
    with pytest.raises(Refused) as refused:
        rig.carrier.void(Bought({"tracking": "794600009999", "country": "US"}, ("794600009999",)))

    assert "cannot be found" in refused.value.words


def test_a_cancellation_that_was_not_made_is_told(rig):
    assert normalize.voided({"output": {"cancelledShipment": False, "message": "Unable to cancel"}}) == Voiding(
        Voided.REFUSED, "Unable to cancel"
    )


# Parcels


def test_many_parcels_are_asked_for_at_once_each_with_the_day_it_should_come(rig):
    made = rig.carrier.buy(wish(boxes=30), "FEDEX_GROUND", KEY)

    told = rig.carrier.track(made.tracking)

    assert rig.calls()[-1:] == ["trackByNumber"] and set(told) == set(made.tracking)
    assert {one.expected_on for one in told.values()} == {date(2026, 11, 24)}
    with pytest.raises(Refused):
        rig.carrier.track([*made.tracking, "794600009999"])


def test_a_parcel_that_was_given_back_is_told_as_voided(rig):
    made = rig.carrier.buy(wish(), "FEDEX_GROUND", KEY)
    rig.carrier.void(made)

    assert rig.carrier.track([made.master])[made.master].steps[-1].progress is Progress.VOIDED


# Keys and tokens


def test_tracking_may_be_a_project_of_its_own(rig):
    rig.carrier.rates(wish())
    rig.carrier.track(["794600000015"])

    assert rig.calls() == ["token", "token", "rateQuotes", "trackByNumber"]
    assert {token[:8] for token in rig.simulator.state["tokens"]} == {"sim-main", "sim-trac"}


def test_without_keys_of_its_own_tracking_is_asked_for_with_the_others(rig):
    for name in ("track_client_id", "track_client_secret"):
        del rig.tokens.login[name]

    with pytest.raises(AccessLost):  # this simulator gives tracking to its own project only
        rig.carrier.track(["794600000015"])
    assert rig.calls() == ["token", "trackByNumber"]


def test_keys_of_a_project_that_may_not_ship_lose_access_but_an_extra_is_only_refused(rig):
    rig.tokens.login.update(client_id=simulator.TRACK_CLIENT, client_secret=simulator.TRACK_SECRET)

    with pytest.raises(AccessLost):
        rig.carrier.buy(wish(), "FEDEX_GROUND", KEY)
    for extra in (lambda: rig.carrier.check(AT_HOME), lambda: rig.carrier.pick_up(PICKUP, KEY)):
        with pytest.raises(Refused) as refused:
            extra()
        assert not isinstance(refused.value, AccessLost)


def test_keys_that_are_not_taken_lose_access(rig):
    rig.tokens.login["client_secret"] = "another"

    with pytest.raises(AccessLost):
        rig.carrier.probe()


def test_a_probe_proves_keys_of_which_a_token_still_holds(rig):
    assert rig.carrier.probe() == "FedEx account ending in 7143"
    assert rig.tokens.refreshed == 1
    assert rig.made().probe() and rig.tokens.refreshed == 2


def test_a_token_that_ended_is_renewed(rig):
    rig.carrier.rates(wish())
    rig.clock.forward(hours=1)
    rig.carrier.rates(wish())

    assert rig.tokens.refreshed == 2


def test_a_token_that_is_refused_once_is_renewed_and_the_call_made(rig):
    rig.fail("401", "createShipment")

    assert rig.carrier.buy(wish(), "FEDEX_GROUND", KEY).master == rig.live()[0]["tracking"]
    assert rig.tokens.refreshed == 2 and len(rig.live()) == 1


def test_access_that_is_lost_before_a_job_is_done_is_lost():
    rig = Rig(MANIFEST, limits="relaxed")
    rig.fail("401", "shipmentResults", times=2)

    with pytest.raises(AccessLost):
        rig.carrier.buy(wish(boxes=41), "FEDEX_GROUND", KEY)


def test_whoever_asks_for_too_many_tokens_waits_for_ten_minutes(rig):
    with pytest.raises(RateLimited) as limited:
        for _ in range(9):
            rig.carrier._client._refresh(rig.tokens.login)

    assert limited.value.wait_s == 600.0


def test_whoever_asks_too_much_waits_as_long_as_fedex_says(rig):
    rig.fail("429", "rateQuotes")

    with pytest.raises(RateLimited) as limited:
        rig.carrier.rates(wish())

    assert limited.value.wait_s == 7.0


# Answers that the simulator does not give


class Says:
    """FedEx, which answers every call with this."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status = body, status

    def __call__(self, environ, start_response):
        token = {"access_token": "t", "expires_in": 3599}
        answer = reply(token) if Request(environ).path.endswith("/oauth/token") else self._answer()
        return answer(environ, start_response)

    def _answer(self) -> Response:
        return Response(self.body, self.status) if isinstance(self.body, str) else reply(self.body, self.status)


def told(rig, body, status=200):
    kit = replace(rig.kit, http=Http("FedEx", InProcess(Says(body, status))))
    return FedexCarrier(kit, Client(kit))


def declined(code):
    return {"transactionId": "t-1", "errors": [{"code": code, "message": "Their words."}]}


def test_errors_in_an_answer_of_status_200_are_errors(rig):
    with pytest.raises(Refused) as refused:
        told(rig, declined("SOMETHING.NEW")).buy(wish(), "FEDEX_GROUND", KEY)
    assert refused.value.words == "Their words." and "SOMETHING.NEW" in str(refused.value)

    made = Bought({"tracking": "1", "country": "US"}, ("1",))
    assert told(rig, declined("SHIPMENT.CANCELEDWITHOUTPICKUP.SUCCESS")).void(made).became is Voided.VOIDED


@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_error_of_its_own_leaves_open_what_happened_whatever_its_status(rig, status):
    broken = told(rig, declined("SERVICE.UNAVAILABLE.ERROR"), status)

    with pytest.raises(OutcomeUnknown):
        broken.buy(wish(), "FEDEX_GROUND", KEY)
    with pytest.raises(Unavailable):
        broken.rates(wish())


@pytest.mark.parametrize("body", ["", "<html></html>", "[]", "7", '{"errors": 7}'])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 422, 502])
def test_what_is_not_an_answer_of_fedex_raises_one_of_our_errors(rig, body, status):
    with pytest.raises(Unavailable if status in (200, 502) and body != '{"errors": 7}' else (Refused, Unavailable)):
        told(rig, body, status).rates(wish())


def test_a_reference_that_is_not_known_may_be_told_as_an_error_too(rig):
    assert told(rig, declined(normalize.UNKNOWN_REFERENCE), 404).find(wish(), "FEDEX_GROUND", KEY) is Sought.ABSENT


def test_an_answer_without_any_parcel_says_nothing_of_a_purchase(rig):
    assert told(rig, {"output": {"completeTrackResults": []}}).find(wish(), "FEDEX_GROUND", KEY) is Sought.CANNOT_TELL


# Addresses


def test_an_address_is_good_however_it_is_capitalized(rig):
    checked = rig.carrier.check(replace(AT_HOME, street1="77 Juniper ST"))

    assert (checked.verdict, checked.better, checked.residential) == (Verdict.GOOD, (), True)


def test_an_address_that_fedex_writes_otherwise_is_corrected_and_its_people_stay(rig):
    checked = rig.carrier.check(AT_HOME)

    assert checked.verdict is Verdict.CORRECTED
    assert (checked.better[0].street1, checked.better[0].postcode, checked.better[0].name) == ("77 JUNIPER ST", "78701-0001", AT_HOME.name)


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        (replace(AT_HOME, postcode="00000"), Verdict.UNKNOWN),
        (replace(AT_HOME, postcode="99999"), Verdict.AMBIGUOUS),
        (ABROAD, Verdict.UNCHECKED),
    ],
)
def test_an_address_may_be_nowhere_in_several_places_or_not_looked_at(rig, address, verdict):
    assert rig.carrier.check(address).verdict is verdict


# Pickups


def test_a_driver_is_ordered_and_need_not_come(rig):
    agreed = rig.carrier.pick_up(PICKUP, KEY)
    for _ in range(2):
        rig.carrier.leave(agreed)

    assert agreed.handle == {"code": "SIMA1", "company": "FDXE", "day": "2026-11-18", "location": "SIMA"}
    assert rig.simulator.state["pickups"] == {"SIMA1": {"day": "2026-11-18", "company": "FDXE", "cancelled": True}}


def test_a_driver_of_yesterday_is_neither_ordered_nor_called_off(rig):
    agreed = rig.carrier.pick_up(PICKUP, KEY)
    rig.clock.forward(days=1)

    for late in (lambda: rig.carrier.pick_up(PICKUP, KEY), lambda: rig.carrier.leave(agreed)):
        with pytest.raises(Refused):
            late()


def test_a_lost_answer_about_a_driver_leaves_open_whether_he_comes(rig):
    for name, call in (
        ("createPickup", lambda: rig.carrier.pick_up(PICKUP, KEY)),
        (
            "cancelPickup",
            lambda: rig.carrier.leave(Agreed("SIMA1", {"code": "SIMA1", "company": "FDXE", "day": "2026-11-18", "location": ""})),
        ),
    ):
        rig.fail("cut_after", name)
        with pytest.raises(OutcomeUnknown):
            call()


# The simulator's papers, and the vendor's contract


def test_the_simulated_papers_are_real():
    image, page = simulated_papers.png("794600000015"), simulated_papers.pdf("Title", "794600000015", 288, 432)

    [data] = re.findall(rb"IDAT(.*)....\0\0\0\0IEND", image, re.S)
    assert len(zlib.decompress(data)) == 72 * 49
    table = int(re.search(rb"startxref\n(\d+)", page)[1])
    starts = [int(start) for start in re.findall(rb"(\d{10}) 00000 n", page)]
    assert page[table:].startswith(b"xref") and [page[start : start + 5] for start in starts] == [b"%d 0 o" % n for n in range(1, 6)]
    assert simulated_papers.label("ZPLII", "1", "FedEx").startswith(b"^XA")


def test_what_the_simulator_does_not_know_happens_to_no_parcel(rig):
    made = rig.carrier.buy(wish(), "FEDEX_GROUND", KEY)
    for tracking, what in (("1", "deliver"), (made.master, "explode"), (made.master, "void")):
        with pytest.raises(BadRequest):
            rig.simulator.move(tracking, what, {})


def tour(rig: Rig) -> None:
    """Every call, with everything that a shipment may say."""
    rig.carrier.probe()
    for one in (wish(residential=True, signature=True, insured=Money(5000, "USD")), wish(ABROAD, 2, insured=Money(2000, "USD"))):
        for n, quote in enumerate(rig.carrier.rates(one), len(one.boxes) * 100):
            made = rig.carrier.buy(one, quote.service, f"{n:032x}")
            rig.carrier.find(one, quote.service, f"{n:032x}")
    for what in ("pick_up", "travel", "fail", "return"):
        rig.simulator.move(made.tracking[0], what, {"town": "Leipzig", "country": "DE"})
    many = rig.carrier.buy(wish(boxes=41, label=LabelFormat.ZPL), "FEDEX_GROUND", KEY)
    rig.carrier.track([*made.tracking, many.master, "123456789012"])
    rig.carrier.find(wish(), "FEDEX_GROUND", KEY[::-1])
    rig.carrier.void(many)
    rig.carrier.check(AT_HOME)
    rig.carrier.leave(rig.carrier.pick_up(PICKUP, KEY))


def test_a_tour_makes_every_call_of_the_manifest():
    rig = Rig(MANIFEST, limits="relaxed")

    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)
    assert set(rig.budget.taken) == set(MANIFEST.rates)


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
@pytest.mark.parametrize("settings", [{}, {"paperless": True, "reference_type": "CUSTOMER_REFERENCE", "pickup_company": "FDXG"}], ids=str)
def test_every_exchange_of_a_tour_holds_against_fedex_own_contract(settings):
    path = CONTRACTS.parent / "tools/contract_oracle.py"
    if not path.exists():
        pytest.skip("the vendors' contracts are not here")
    spec = importlib.util.spec_from_file_location("contract_oracle", path)
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    rig = Rig(MANIFEST, limits="relaxed", **settings)

    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    assert len(lines) > 25
    assert {f"{operation}: {text}" for operation, texts in map(oracle.check, lines) for text in texts} == set()
