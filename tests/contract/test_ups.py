"""UPS: what is said to it, what is made of what it says, and the whole connector against its simulator and UPS's own contract."""

import dataclasses
import hashlib
import importlib.util
import json
import os
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, NotFound

from connectors.http import read_json
from connectors.simulation import Carries, Fault, reply
from connectors.ups import MANIFEST, SERVICES, normalize, render
from connectors.ups.simulator import _check_digit, _is_number, errors
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import (
    Bought,
    Box,
    Collection,
    Consignment,
    Customs,
    Duties,
    Goods,
    LabelFormat,
    Progress,
    Sought,
    Verdict,
    Voided,
)
from core.errors import AccessLost, BadPayload, Forged, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import About, ChecksAddresses, PicksUp, Reprints, TellsTracks
from tests.contract.carriers import ABROAD, AT_HOME, DECLARED, KEY, MUG, SENDER, START, Rig, wish

ROOT = Path(__file__).parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
EXAMPLES = sorted((ROOT / "connectors/ups/examples").glob("*.in.json"))
NUMBER, SECOND = "1ZA1B2C30300000414", "1ZA1B2C30300000423"
READ: dict[str, Callable[[Any], Any]] = {
    "quotes": lambda said: normalize.quotes(said, "USD", SERVICES),
    "bought": normalize.bought,
    "tracked": lambda said: normalize.tracked(said, NUMBER),
    "checked": lambda said: normalize.checked(said, AT_HOME),
    "recovered": normalize.recovered,
    "agreed": normalize.agreed,
    "known": normalize.known,
}
every_example = pytest.mark.parametrize("path", EXAMPLES, ids=[path.name.removesuffix(".in.json") for path in EXAMPLES])


def read(path: Path) -> Any:
    return READ[path.name.partition("-")[0]](read_json(path.read_bytes()))


def plain(value: Any) -> Any:
    """What we made of it, as JSON: money as texts, papers by their first letters, addresses whole."""
    match value:
        case Money():
            return f"{value.text()} {value.currency}"
        case Enum():
            return value.value
        case bytes():
            return value[:8].decode("latin-1")
        case date():
            return value.isoformat()
        case tuple() | list():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return value


# ---- what it says


@every_example
def test_an_example_becomes_what_stands_beside_it(path: Path) -> None:
    beside = path.with_name(path.name.replace(".in.", ".out."))

    assert plain(read(path)) == json.loads(beside.read_text("utf-8"))


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, name)
        yield from leaves(value, (*path, name))


def damaged(document: Any, path: tuple[Any, ...], how: Any) -> Any:
    copy = deepcopy(document)
    inside = copy
    for step in path[:-1]:
        inside = inside[step]
    if how is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = how
    return copy


@every_example
def test_a_damaged_answer_is_a_bad_payload_that_names_a_field_or_does_not_matter(path: Path) -> None:
    document, kind = read_json(path.read_bytes()), path.name.partition("-")[0]

    for place in leaves(document):
        for how in (None, 7, "zz", [7], {"zz": 7}, True):
            try:
                READ[kind](damaged(document, place, how))
            except BadPayload as error:
                assert str(error).startswith("ups: ") and "zz" not in str(error)
            except Refused as error:
                assert place[-2:] in (("ResponseStatus", "Code"),), error


NEEDED = [
    ("quotes-negotiated", "RateResponse.RatedShipment.0.Service.Code"),
    ("quotes-negotiated", "RateResponse.RatedShipment.0.TotalCharges.MonetaryValue"),
    ("quotes-negotiated", "RateResponse.RatedShipment.0.NegotiatedRateCharges.TotalCharge.CurrencyCode"),
    ("bought-one", "ShipmentResponse.ShipmentResults.ShipmentIdentificationNumber"),
    ("bought-one", "ShipmentResponse.ShipmentResults.PackageResults"),
    ("bought-one", "ShipmentResponse.ShipmentResults.PackageResults.TrackingNumber"),
    ("bought-one", "ShipmentResponse.ShipmentResults.PackageResults.ShippingLabel.GraphicImage"),
    ("tracked-delivered", "trackResponse.shipment.0.package.0.activity.1.gmtOffset"),
    ("tracked-delivered", "trackResponse.shipment.0.package.0.activity.0.status"),
    ("checked-corrected", "XAVResponse.ValidAddressIndicator"),
    ("agreed-priced", "PickupCreationResponse.PRN"),
]


@pytest.mark.parametrize(("name", "path"), NEEDED)
def test_what_we_rely_on_is_never_guessed(name: str, path: str) -> None:
    document = read_json((ROOT / f"connectors/ups/examples/{name}.in.json").read_bytes())
    place = tuple(int(step) if step.isdigit() else step for step in path.split("."))

    with pytest.raises(BadPayload):
        READ[name.partition("-")[0]](damaged(document, place, None))


def test_an_answer_that_says_it_failed_is_refused_in_its_own_words() -> None:
    status = {"ResponseStatus": {"Code": "0", "Description": "Failure"}, "Alert": [{"Code": "9", "Description": "No driver goes there"}]}

    with pytest.raises(Refused) as refused:
        normalize.agreed({"PickupCreationResponse": {"Response": status}})

    assert "No driver goes there" in refused.value.words and "driver" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "code", "progress"),
    [
        ("M", "", Progress.LABELLED),
        ("P", "", Progress.PICKED_UP),
        ("I", "010", Progress.IN_TRANSIT),
        ("I", "021", Progress.OUT_FOR_DELIVERY),
        ("D", "021", Progress.OUT_FOR_DELIVERY),
        ("O", "", Progress.OUT_FOR_DELIVERY),
        ("D", "040", Progress.READY_FOR_PICKUP),
        ("D", "011", Progress.DELIVERED),
        ("X", "", Progress.EXCEPTION),
        ("RS", "", Progress.RETURNED),
        ("MV", "", Progress.VOIDED),
        ("U", "", Progress.UNKNOWN),
        ("Z9", "777", Progress.UNKNOWN),
    ],
)
def test_each_of_its_words_has_one_of_ours_and_new_ones_are_unknown(kind: str, code: str, progress: Progress) -> None:
    at = {"gmtDate": "20261118", "gmtTime": "150000"}
    activity = {**at, "status": {"type": kind, "statusCode": code, "code": "AA", "description": "words"}}
    said = {"trackResponse": {"shipment": [{"package": [{"trackingNumber": NUMBER, "activity": [activity]}]}]}}

    (step,) = normalize.tracked(said, NUMBER).steps

    assert (step.progress, step.code) == (progress, f"{kind}/AA")


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"gmtDate": "20261118", "gmtTime": "74700"}, datetime(2026, 11, 18, 7, 47, tzinfo=UTC)),
        ({"gmtDate": "20261118", "gmtTime": "17:05:09"}, datetime(2026, 11, 18, 17, 5, 9, tzinfo=UTC)),
        ({"date": "20261118", "time": "233000", "gmtOffset": "-05:00"}, datetime(2026, 11, 19, 4, 30, tzinfo=UTC)),
        ({"date": "20261118", "time": "003000", "gmtOffset": "+05.30"}, datetime(2026, 11, 17, 19, 0, tzinfo=UTC)),
    ],
)
def test_a_local_time_becomes_utc_by_the_offset_that_came_with_it(said: dict[str, str], at: datetime) -> None:
    assert normalize._moment(said) == at


@pytest.mark.parametrize(
    "said",
    [{}, {"date": "20261118", "time": "233000"}, {"gmtDate": "x", "gmtTime": "1"}, {"date": "20261118", "time": "1", "gmtOffset": "EST"}],
)
def test_a_time_without_a_zone_is_not_guessed(said: dict[str, str]) -> None:
    with pytest.raises(BadPayload):
        normalize._moment(said)


def test_a_parcel_is_not_told_by_anothers_steps() -> None:
    packages = [{"trackingNumber": NUMBER, "activity": []}, {"trackingNumber": SECOND, "activity": [{"nothing": "readable"}]}]

    assert normalize.tracked({"trackResponse": {"shipment": [{"package": packages}]}}, NUMBER).steps == ()


def paper() -> Any:
    return normalize.recovered(read_json((ROOT / "connectors/ups/examples/recovered-two.in.json").read_bytes())).parcels[0][1]


ONE, TWO = normalize.Known((NUMBER,), any=True), normalize.Known((NUMBER, SECOND), any=True)
NONE, ALL_VOID = normalize.Known(), normalize.Known((), any=True)


@pytest.mark.parametrize(
    ("tracked", "again", "boxes", "became"),
    [
        (NONE, None, 1, Sought.ABSENT),
        (ALL_VOID, None, 1, Sought.ABSENT),
        (ONE, None, 1, (NUMBER,)),
        (ONE, None, 2, Sought.CANNOT_TELL),  # a parcel of it is not there yet
        (TWO, None, 1, Sought.CANNOT_TELL),  # two purchases
        (NONE, (NUMBER, SECOND), 2, (NUMBER, SECOND)),
        (TWO, (SECOND, NUMBER), 2, (SECOND, NUMBER)),
        (ONE, (SECOND,), 1, Sought.CANNOT_TELL),  # each knows another
        (NONE, (), 1, Sought.CANNOT_TELL),
    ],
)
def test_a_purchase_is_absent_only_where_nobody_knows_it(tracked: Any, again: Any, boxes: int, became: Any) -> None:
    recovered = None if again is None else normalize.Recovered(again[0] if again else "", tuple((number, paper()) for number in again))

    found = normalize.sought(tracked, recovered, boxes)

    assert (found.tracking if isinstance(found, Bought) else found) == became


def test_candidates_of_other_shipments_leave_it_open_and_those_of_the_same_do_not() -> None:
    assert normalize.sought(ONE, normalize.Recovered(candidates=(NUMBER, SECOND)), 1) is Sought.CANNOT_TELL
    found = normalize.sought(TWO, normalize.Recovered(candidates=(NUMBER, SECOND)), 2)
    assert isinstance(found, Bought) and (found.tracking, found.labels) == ((NUMBER, SECOND), ())


@pytest.mark.parametrize(("shipment", "parcel", "given"), [("1", "1", True), ("0", "1", False), ("1", "0", False)])
def test_a_void_counts_only_where_every_parcel_was_given_back(shipment: str, parcel: str, given: bool) -> None:
    each = [{"TrackingNumber": NUMBER, "Status": {"Code": parcel}}]
    answer = {"Response": {"ResponseStatus": {"Code": "1"}}, "SummaryResult": {"Status": {"Code": shipment}}, "PackageLevelResult": each}

    assert (normalize.voided({"VoidShipmentResponse": answer}).became is Voided.VOIDED) is given


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({"validTrackingNumbers": [NUMBER], "invalidTrackingNumbers": [SECOND]}, [NUMBER]),
        ({"invalidTrackingNumbers": [SECOND]}, [NUMBER]),
        ({}, [NUMBER, SECOND]),
    ],
)
def test_those_numbers_are_followed_that_it_took(said: dict[str, Any], taken: list[str]) -> None:
    assert normalize.followed(said, [NUMBER, SECOND]) == taken


# ---- what it is asked

SETTINGS = MANIFEST.settings


TODAY = START.date()


def shipped(one: Consignment, service: str = "03", today: date = TODAY) -> Any:
    return render.shipment(one, service, KEY, "A1B2C3", SETTINGS, today)["ShipmentRequest"]


def parcel(one: Consignment, n: int = 0) -> Any:
    return shipped(one)["Shipment"]["Package"][n]


def of(grams: int, length: int = 0, width: int = 0, height: int = 0) -> Box:
    return Box(grams, length, width, height)


@pytest.mark.parametrize(
    ("grams", "pounds"), [(1, "0.1"), (45, "0.1"), (46, "0.2"), (453, "1.0"), (454, "1.1"), (1500, "3.4"), (68_038, "150.0")]
)
def test_grams_are_tenths_of_pounds_rounded_up(grams: int, pounds: str) -> None:
    assert parcel(replace(wish(), boxes=(of(grams),)))["PackageWeight"]["Weight"] == pounds


@pytest.mark.parametrize(("grams", "kilograms"), [(1, "0.1"), (100, "0.1"), (101, "0.2"), (1500, "1.5"), (70_000, "70.0")])
def test_outside_the_states_parcels_weigh_in_kilograms(grams: int, kilograms: str) -> None:
    weight = parcel(replace(wish(), sender=ABROAD, boxes=(of(grams),)))["PackageWeight"]

    assert (weight["Weight"], weight["UnitOfMeasurement"]["Code"]) == (kilograms, "KGS")


def test_millimetres_are_whole_inches_rounded_up_with_the_longest_side_first() -> None:
    size = parcel(replace(wish(), boxes=(of(500, 200, 254, 255),)))["Dimensions"]

    assert (size["Length"], size["Width"], size["Height"], size["UnitOfMeasurement"]["Code"]) == ("11", "10", "8", "IN")
    assert "Dimensions" not in parcel(replace(wish(), boxes=(of(500, 200, 0, 255),)))


def test_our_key_stands_where_this_pair_of_countries_keeps_references() -> None:
    home, away = shipped(wish(boxes=2))["Shipment"], shipped(wish(ABROAD, boxes=2))["Shipment"]

    assert [one["ReferenceNumber"] for one in home["Package"]] == [[{"Value": KEY}, {"Value": "1001"}]] * 2
    assert "ReferenceNumber" not in home
    assert away["ReferenceNumber"][0] == {"Value": KEY}
    assert not any("ReferenceNumber" in one for one in away["Package"])


def test_a_declaration_says_what_it_is_from_where_and_who_pays_the_duty() -> None:
    goods = (MUG, Goods("Kitchen towel", 3, 120, Money(1205, "USD"), "630260", "TR"))
    customs = Customs(goods, Duties.SENDER, "gift", "INV-7", ioss="IM2760000742", eori="DE123456789", vat="US55")
    said = shipped(replace(wish(ABROAD), customs=customs), "07")["Shipment"]
    invoice = said["ShipmentServiceOptions"]["InternationalForms"]

    assert (invoice["FormType"], invoice["TermsOfShipment"], invoice["ReasonForExport"]) == (["01"], "DDP", "GIFT")
    assert (invoice["InvoiceNumber"], invoice["InvoiceDate"], invoice["CurrencyCode"]) == ("INV-7", "20261118", "USD")
    assert invoice["Contacts"]["SoldTo"]["AttentionName"] == "Jürgen Ackermann"
    assert invoice["Product"][0] == {
        "Description": ["Stoneware mug"],
        "Unit": {"Number": "2", "UnitOfMeasurement": {"Code": "PCS"}, "Value": "18.50"},
        "CommodityCode": "691200",
        "OriginCountryCode": "PT",
        "PartNumber": "MUG-1",
    }
    assert said["InvoiceLineTotal"] == {"CurrencyCode": "USD", "MonetaryValue": "74"}
    assert said["ShipFrom"]["VendorInfo"]["VendorCollectIDNumber"] == "IM2760000742"
    assert [charge["Type"] for charge in said["PaymentInformation"]["ShipmentCharge"]] == ["01", "02"]
    (agent,) = said["GlobalTaxInformation"]["AgentTaxIdentificationNumber"]
    assert [(one["IDNumberPurposeCode"], one["IDNumberIssuingCntryCd"]) for one in agent["TaxIdentificationNumber"]] == [
        ("02", "DE"),
        ("01", "US"),
    ]


def test_the_receiver_pays_the_duty_where_nobody_else_does() -> None:
    said = shipped(replace(wish(ABROAD), customs=replace(DECLARED, duties=Duties.RECEIVER)), "07")["Shipment"]

    assert said["ShipmentServiceOptions"]["InternationalForms"]["TermsOfShipment"] == "DAP"
    assert [charge["Type"] for charge in said["PaymentInformation"]["ShipmentCharge"]] == ["01"]


def test_goods_in_several_currencies_are_declined_before_anybody_is_asked() -> None:
    mixed = replace(DECLARED, goods=(MUG, replace(MUG, value=Money(5, "EUR"))))

    with pytest.raises(Refused) as refused:
        shipped(replace(wish(ABROAD), customs=mixed))

    assert "one currency" in refused.value.words


def test_a_signature_and_a_declared_value_are_asked_for_where_they_belong() -> None:
    boxes = (Box(500, value=Money(3000, "USD")), Box(500, value=Money(1000, "USD")))
    home = shipped(replace(wish(signature=True, insured=Money(4001, "USD")), boxes=boxes))["Shipment"]
    away = shipped(wish(ABROAD, signature=True))["Shipment"]

    options = [one["PackageServiceOptions"] for one in home["Package"]]
    assert [one["DeclaredValue"]["MonetaryValue"] for one in options] == ["30.00", "10.01"]
    assert [one["DeliveryConfirmation"]["DCISType"] for one in options] == ["2", "2"]
    assert away["ShipmentServiceOptions"]["DeliveryConfirmation"] == {"DCISType": "1"}
    assert "InternationalForms" in away["ShipmentServiceOptions"]


def test_a_home_is_called_one_only_where_somebody_knows() -> None:
    def says(residential: bool | None) -> bool:
        return "ResidentialAddressIndicator" in shipped(wish(residential=residential))["Shipment"]["ShipTo"]["Address"]

    assert [says(one) for one in (True, False, None)] == [True, False, False]


def test_a_long_street_is_broken_at_words_and_never_cut() -> None:
    to = replace(AT_HOME, street1="The Old Granary behind the Corn Exchange, 77 Juniper Street", street2="Apt 5")
    lines = shipped(wish(to))["Shipment"]["ShipTo"]["Address"]["AddressLine"]

    assert " ".join(lines) == f"{to.street1} Apt 5" and all(len(line) <= 35 for line in lines)
    with pytest.raises(Refused):
        shipped(wish(replace(to, street1="x" * 36)))
    with pytest.raises(Refused):
        shipped(wish(replace(to, street1="word " * 40)))


@pytest.mark.parametrize(
    ("phone", "country", "digits"), [("+1 (512) 555-0172", "US", "5125550172"), ("+49 341 5550144", "DE", "493415550144"), ("", "US", "")]
)
def test_a_telephone_number_is_digits_as_its_country_dials_them(phone: str, country: str, digits: str) -> None:
    assert render.phone(Address(country=country, phone=phone)) == digits


def test_the_day_of_shipping_is_told_where_it_is_to_come() -> None:
    assert shipped(wish(), today=date(2026, 11, 17))["Shipment"]["ShipmentDate"] == "20261118"
    assert "ShipmentDate" not in shipped(wish(), today=date(2026, 11, 18))["Shipment"]


@pytest.mark.parametrize(("label", "code"), [(LabelFormat.ZPL, "ZPL"), (LabelFormat.PNG, "PNG"), (LabelFormat.PDF, "PNG")])
def test_labels_are_asked_for_in_a_format_that_it_has(label: LabelFormat, code: str) -> None:
    assert shipped(wish(label=label))["LabelSpecification"]["LabelImageFormat"]["Code"] == code


def test_rates_are_asked_for_as_this_account_pays_them() -> None:
    asked = render.rating(wish(), "A1B2C3", SETTINGS)["RateRequest"]["Shipment"]

    assert asked["ShipmentRatingOptions"] == {"NegotiatedRatesIndicator": ""}
    assert asked["Shipper"]["ShipperNumber"] == "A1B2C3"
    assert asked["DeliveryTimeInformation"]["Pickup"]["Date"] == "20261118"


# ---- the connector and its simulator


@pytest.fixture
def rig() -> Rig:
    return Rig(MANIFEST)


def collection(day: datetime = START) -> Collection:
    return Collection(SENDER, day + timedelta(hours=2), day + timedelta(hours=5), 3, 4500)


def asks(rig: Rig, ask: Callable[[], Any]) -> list[str]:
    before = len(rig.calls())
    ask()
    return [name for name in rig.calls()[before:] if name != "token"]


def test_it_can_do_what_it_says(rig: Rig) -> None:
    assert isinstance(rig.simulator, Carries)
    assert all(isinstance(rig.carrier, ability) for ability in (Reprints, ChecksAddresses, PicksUp, TellsTracks))


def test_offers_tell_our_price_the_listed_one_and_the_day(rig: Rig) -> None:
    ground = next(one for one in rig.carrier.rates(wish()) if one.service == "03")

    assert ground.listed and ground.price.minor < ground.listed.minor
    assert (ground.name, ground.arrives_on) == ("UPS Ground", date(2026, 11, 25))
    assert "may vary" in ground.words


def test_a_country_where_nothing_goes_has_no_offers(rig: Rig) -> None:
    assert rig.carrier.rates(wish(replace(ABROAD, country="KP"))) == []


def test_a_postal_code_that_is_missing_is_refused_and_not_an_empty_list(rig: Rig) -> None:
    with pytest.raises(Refused) as refused:
        rig.carrier.rates(wish(replace(AT_HOME, postcode="")))

    assert "postal code" in refused.value.words


def test_three_boxes_go_in_one_purchase_whose_lost_answer_is_found(rig: Rig) -> None:
    rig.fail("cut_after", "ship")
    with pytest.raises(OutcomeUnknown):
        rig.carrier.buy(wish(boxes=3), "03", KEY)
    rig.clock.forward(seconds=301)

    found = rig.carrier.find(wish(boxes=3), "03", KEY)

    assert isinstance(found, Bought) and len(found.tracking) == len(found.labels) == 3
    assert found.handle == {"shipment": found.tracking[0]} and len(rig.live()) == 3


def test_it_is_found_by_its_label_before_tracking_knows_it(rig: Rig) -> None:
    made = rig.carrier.buy(wish(), "03", KEY)

    assert rig.carrier.track([made.master])[made.master].steps
    assert isinstance(found := rig.carrier.find(wish(), "03", KEY), Bought)
    assert found.tracking == made.tracking


def test_what_was_given_back_is_absent(rig: Rig) -> None:
    rig.carrier.void(rig.carrier.buy(wish(), "03", KEY))
    rig.clock.forward(seconds=301)

    assert rig.carrier.find(wish(), "03", KEY) is Sought.ABSENT


def test_two_purchases_under_one_key_are_for_a_person_to_look_at(rig: Rig) -> None:
    for _ in range(2):
        rig.carrier.buy(wish(), "03", KEY)
    rig.clock.forward(seconds=301)

    assert rig.carrier.find(wish(), "03", KEY) is Sought.CANNOT_TELL


@pytest.mark.parametrize("name", ["trackReference", "recoverLabel"])
def test_a_closed_door_is_never_taken_for_absent(rig: Rig, name: str) -> None:
    rig.fail("500", name)

    with pytest.raises(Unavailable):
        rig.carrier.find(wish(), "03", KEY)


@pytest.mark.parametrize("name", ["_track_reference", "_recover"])
def test_a_refusal_that_nobody_knows_is_never_taken_for_absent(rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(type(rig.simulator), name, lambda *_: errors(400, "299999", "Something else"))

    with pytest.raises(Refused):
        rig.carrier.find(wish(), "03", KEY)


@pytest.mark.parametrize("ship_on", [date(2026, 10, 1), date(2026, 12, 20)])
def test_what_was_bought_weeks_before_or_after_its_day_is_tracked_by_our_key(rig: Rig, ship_on: date) -> None:
    late = replace(wish(), ship_on=ship_on)
    made = rig.carrier.buy(replace(late, ship_on=min(ship_on, TODAY)), "03", KEY)
    rig.clock.forward(seconds=301)

    seen = normalize.known(rig.carrier._client.by_reference(KEY, ship_on))  # type: ignore[attr-defined]

    assert seen.live == made.tracking


def test_a_label_of_a_parcel_that_was_scanned_is_not_given_back(rig: Rig) -> None:
    made = rig.carrier.buy(wish(), "03", KEY)
    rig.simulator.move(made.master, "pick_up", {})

    assert rig.carrier.void(made).became is Voided.REFUSED
    assert [one["voided"] for one in rig.simulator.parcels()] == [False]


def test_a_label_is_given_back_for_four_weeks(rig: Rig) -> None:
    early, late = rig.carrier.buy(wish(), "03", KEY), rig.carrier.buy(wish(), "03", KEY[::-1])
    rig.clock.forward(days=27)
    assert rig.carrier.void(early).became is Voided.VOIDED
    rig.clock.forward(days=2)

    assert rig.carrier.void(late).became is Voided.REFUSED
    assert rig.carrier.void(early).became is Voided.VOIDED


def test_a_label_that_was_given_back_before_is_told_from_one_that_it_is_too_late_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    made, late = rig.carrier.buy(wish(), "03", KEY), rig.carrier.buy(wish(), "03", KEY[::-1])
    rig.carrier.void(made)
    refused = errors(400, "190102", "No shipment found within the allowed void period")
    monkeypatch.setattr(type(rig.simulator), "_void", lambda self, number: refused)

    assert [rig.carrier.void(one).became for one in (made, late)] == [Voided.VOIDED, Voided.REFUSED]


def test_labels_are_printed_again_one_for_each_box_and_the_invoice_once(rig: Rig) -> None:
    made = rig.carrier.buy(wish(ABROAD, boxes=2), "65", KEY)

    assert isinstance(rig.carrier, Reprints)
    zpl, image = rig.carrier.papers(made, LabelFormat.ZPL), rig.carrier.papers(made, LabelFormat.PNG)

    assert [(one.kind, one.format) for one in zpl] == [("label", LabelFormat.ZPL)] * 2 + [("invoice", LabelFormat.PDF)]
    assert [one.format for one in image] == [LabelFormat.PDF] * 3
    assert [made.tracking[n].encode() in zpl[n].content for n in (0, 1)] == [True, True]


def test_a_label_that_was_given_back_is_not_printed_again(rig: Rig) -> None:
    made = rig.carrier.buy(wish(), "03", KEY)
    rig.carrier.void(made)

    assert isinstance(rig.carrier, Reprints)
    with pytest.raises(Refused):
        rig.carrier.papers(made, LabelFormat.ZPL)


def test_many_parcels_are_followed_and_what_was_not_reached_is_left_out(rig: Rig) -> None:
    numbers = [rig.carrier.buy(wish(), "03", f"{n:032x}").master for n in range(3)]
    rig.world.faults.clear()
    rig.world.faults.append(Fault("429", "track", after=2))

    assert list(rig.carrier.track(numbers)) == numbers[:2]
    rig.fail("429", "track")
    with pytest.raises(RateLimited) as limited:
        rig.carrier.track(numbers)
    assert limited.value.wait_s == 30.0


def test_an_address_is_called_good_corrected_ambiguous_or_unknown(rig: Rig) -> None:
    assert isinstance(rig.carrier, ChecksAddresses)
    check = rig.carrier.check

    assert check(SENDER).verdict is Verdict.GOOD
    corrected = check(AT_HOME)
    assert (corrected.verdict, corrected.residential) == (Verdict.CORRECTED, True)
    assert (corrected.better[0].street1, corrected.better[0].postcode) == ("77 JUNIPER ST", "78701-2041")
    assert (corrected.better[0].name, corrected.better[0].phone) == (AT_HOME.name, AT_HOME.phone)
    assert check(replace(AT_HOME, street1="Juniper Street", street2="")).verdict is Verdict.AMBIGUOUS
    assert check(replace(AT_HOME, street1="1 Nowhere Lane")).verdict is Verdict.UNKNOWN


def test_an_address_abroad_is_not_checked_and_nobody_is_asked(rig: Rig) -> None:
    assert isinstance(rig.carrier, ChecksAddresses)
    check = rig.carrier.check

    assert asks(rig, lambda: check(ABROAD)) == [] and check(ABROAD).verdict is Verdict.UNCHECKED


def test_a_driver_is_ordered_once_under_a_key_and_sent_home_once(rig: Rig) -> None:
    assert isinstance(rig.carrier, PicksUp)
    first = rig.carrier.pick_up(collection(), KEY)
    again = rig.carrier.pick_up(collection(), KEY)
    other = rig.carrier.pick_up(collection(), KEY[::-1])

    assert first.id == again.id != other.id and first.price == Money(840, "USD")
    for _ in range(2):
        rig.carrier.leave(first)
    assert [one["cancelled"] for one in rig.simulator.state["pickups"].values()] == [True, False]


def test_a_driver_whose_answer_was_lost_is_not_ordered_again(rig: Rig) -> None:
    assert isinstance(rig.carrier, PicksUp)
    rig.fail("cut_after", "pickup")
    with pytest.raises(OutcomeUnknown):
        rig.carrier.pick_up(collection(), KEY)

    assert rig.carrier.pick_up(collection(), KEY).id == next(iter(rig.simulator.state["pickups"]))


def test_a_driver_who_cannot_be_sent_home_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(rig.carrier, PicksUp)
    agreed = rig.carrier.pick_up(collection(), KEY)
    late = errors(400, "9510118", "The driver is on the way.")
    monkeypatch.setattr(type(rig.simulator), "_cancel_pickup", lambda self, request: late)

    with pytest.raises(Refused):
        rig.carrier.leave(agreed)


def test_it_tells_where_a_parcel_is_to_whoever_gave_it_a_credential(rig: Rig) -> None:
    made = rig.carrier.buy(wish(), "03", KEY)
    assert isinstance(rig.carrier, TellsTracks) and MANIFEST.webhooks
    taken = rig.carrier.follow_parcels([made.master, "1Z-nonsense"], "https://hub.example/webhooks/ups")
    rig.world.post.url = "https://hub.example/webhooks/ups"

    rig.simulator.move(made.master, "pick_up", {"town": "Portland"})

    (sent,) = rig.world.outbox
    notice = MANIFEST.webhooks(rig.kit).notice(sent.body, {name.lower(): text for name, text in sent.headers.items()}, "/webhooks/ups")
    assert list(taken) == [made.master]
    assert (notice.about, notice.parcel, notice.body) == (About.PARCEL, made.master, None)


def test_without_a_credential_nobody_is_asked_to_tell(rig: Rig) -> None:
    bare = Rig(MANIFEST)
    bare.kit = replace(bare.kit, app={})
    carrier = bare.made()

    assert isinstance(carrier, TellsTracks)
    assert asks(bare, lambda: carrier.follow_parcels([NUMBER], "https://hub.example/webhooks/ups")) == []


TOLD = json.dumps({"trackingNumber": NUMBER, "activityStatus": {"type": "I", "code": "OT"}}).encode()


def test_two_deliveries_of_one_event_have_one_id_and_other_events_have_others(rig: Rig) -> None:
    assert MANIFEST.webhooks
    door, headers = MANIFEST.webhooks(rig.kit), {"authorization": f"Bearer {rig.kit.app['alert_credential']}"}

    first, again = door.notice(TOLD, headers, "/"), door.notice(TOLD, headers, "/")
    other = door.notice(TOLD.replace(b"OT", b"DP"), headers, "/")

    assert first.delivery == again.delivery != other.delivery
    assert hashlib.sha256(TOLD).hexdigest()[:32] in first.delivery


@pytest.mark.parametrize(
    "headers", [{}, {"credential": ""}, {"credential": "simulated-track-alert-credentiaL"}, {"authorization": "Bearer ü"}]
)
def test_who_does_not_bring_our_credential_is_not_ups(rig: Rig, headers: dict[str, str]) -> None:
    assert MANIFEST.webhooks
    with pytest.raises(Forged):
        MANIFEST.webhooks(rig.kit).notice(TOLD, headers, "/")
    with pytest.raises(Forged):
        MANIFEST.webhooks(replace(rig.kit, app={})).notice(TOLD, headers, "/")


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{}", b'{"trackingNumber": 7}', b"<html>", b'{"trackingNumber": ""}'])
def test_what_names_no_parcel_is_a_bad_payload(rig: Rig, raw: bytes) -> None:
    assert MANIFEST.webhooks
    with pytest.raises(BadPayload):
        MANIFEST.webhooks(rig.kit).notice(raw, {"credential": rig.kit.app["alert_credential"]}, "/")


def test_a_token_lives_four_hours_and_is_renewed_without_a_word(rig: Rig) -> None:
    rig.carrier.probe()
    rig.clock.forward(hours=5)
    rig.carrier.probe()

    assert rig.calls().count("token") == 2


def test_a_token_that_is_refused_early_is_renewed_once(rig: Rig) -> None:
    rig.carrier.probe()
    rig.simulator.state["tokens"].clear()

    assert rig.carrier.probe() == "UPS A1B2C3"
    assert (rig.tokens.refreshed, rig.calls().count("trackReference")) == (2, 3)


def test_wrong_keys_lose_access(rig: Rig) -> None:
    rig.tokens.login["client_secret"] = "another"

    with pytest.raises(AccessLost):
        rig.carrier.probe()


@pytest.mark.parametrize(
    ("code", "kind"), [("250003", AccessLost), ("", AccessLost), ("120124", Refused)], ids=["shut out", "blocked", "this one only"]
)
def test_a_403_is_about_the_account_or_about_this_request(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, code: str, kind: type[HubError]
) -> None:
    said = {"response": {"errors": [{"code": code, "message": "no"}] if code else []}}
    monkeypatch.setattr(type(rig.simulator), "_ship", lambda self, request: reply(said, 403))

    with pytest.raises(kind) as refused:
        rig.carrier.buy(wish(), "03", KEY)

    assert type(refused.value) is kind


def test_a_refusal_in_an_answer_of_200_is_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"response": {"errors": [{"code": "111286", "message": "ME is not a valid state for the specified shipment."}]}}
    monkeypatch.setattr(type(rig.simulator), "_ship", lambda self, request: reply(said))

    with pytest.raises(Refused) as refused:
        rig.carrier.buy(wish(), "03", KEY)

    assert "valid state" in refused.value.words and "valid state" not in str(refused.value)


DECLINED: list[tuple[Consignment, str, str]] = [
    (replace(wish(), boxes=(of(68_100),)), "03", "111035"),
    (wish(replace(AT_HOME, postcode="")), "03", "111286"),
    (wish(replace(AT_HOME, region="")), "03", "120206"),
    (wish(replace(AT_HOME, name="")), "03", "120200"),
    (wish(), "99", "121210"),
    (wish(ABROAD), "03", "121210"),
    (wish(ABROAD, customs=None), "07", "128000"),
    (wish(replace(ABROAD, phone="")), "07", "120213"),
    (wish(ABROAD, customs=replace(DECLARED, goods=(replace(MUG, origin=""),))), "07", "128040"),
]


@pytest.mark.parametrize(("one", "service", "code"), DECLINED, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(DECLINED)])
def test_the_simulator_declines_what_ups_does(rig: Rig, one: Consignment, service: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        rig.carrier.buy(one, service, KEY)

    assert code in refused.value.facts["codes"] and refused.value.words and rig.live() == []


def test_inside_the_union_nothing_is_declared(rig: Rig) -> None:
    paris = Address("Camille Roux", "", "8 Rue des Exemples", "", "", "Lyon", "", "69001", "FR", "+33455501234")
    one = replace(wish(paris, customs=None), sender=ABROAD, currency="EUR")

    made = rig.carrier.buy(one, "11", KEY)

    assert made.price and made.price.currency == "EUR" and rig.live()[0]["weight_g"] >= 1500


def test_another_accounts_number_buys_nothing(rig: Rig) -> None:
    rig.kit = replace(rig.kit, account="ZZZZZZ")

    with pytest.raises(Refused):
        rig.made().buy(wish(), "03", KEY)


def test_tracking_numbers_carry_a_check_digit() -> None:
    assert _check_digit("A1B2C3030000041") == int(NUMBER[-1])
    assert _is_number("1Z999AA10123456784"), "the number that UPS's own guides show"
    assert _is_number(NUMBER) and not _is_number(NUMBER[:-1] + "5") and not _is_number("") and not _is_number(NUMBER.lower())


def test_its_images_can_be_opened(rig: Rig) -> None:
    (label,) = rig.carrier.buy(wish(label=LabelFormat.PNG), "03", KEY).labels

    head, data = (label.content[label.content.index(kind) + 4 :] for kind in (b"IHDR", b"IDAT"))
    wide, high = (int.from_bytes(head[at : at + 4]) for at in (0, 4))
    assert wide > 0 and len(zlib.decompressobj().decompress(data)) == high * (wide + 1)  # a byte a point, and the filter's


def test_a_parcel_moves_only_as_parcels_do(rig: Rig) -> None:
    made = rig.carrier.buy(wish(), "03", KEY)
    for wrong in ("fly", ""):
        with pytest.raises(BadRequest):
            rig.simulator.move(made.master, wrong, {})
    with pytest.raises(NotFound):
        rig.simulator.move("1Z0", "pick_up", {})
    rig.simulator.move(made.master, "deliver", {})
    with pytest.raises(BadRequest):
        rig.simulator.move(made.master, "travel", {})


# ---- UPS's own contract


def tour(rig: Rig) -> None:
    """Every call, with all that a request may hold."""
    carrier: Any = rig.carrier
    carrier.probe()
    full = wish(boxes=3, signature=True, insured=Money(30_000, "USD"), residential=True)
    taxed = wish(ABROAD, boxes=2, signature=True, customs=replace(DECLARED, eori="DE123456789", vat="US55"))
    union = replace(wish(replace(ABROAD, country="FR"), customs=None), sender=ABROAD, currency="EUR")
    made = [_bought(carrier, one, n) for n, one in enumerate((full, taxed, union, wish(label=LabelFormat.ZPL)))]
    rig.clock.forward(seconds=301)
    carrier.find(full, "03", f"{0:032x}")
    carrier.find(full, "03", "f" * 32)
    carrier.papers(made[1], LabelFormat.PDF)
    rig.simulator.move(made[0].master, "pick_up", {"town": "Portland", "country": "US"})
    for one in made:
        carrier.track([one.master])
        carrier.void(one)
    for address in (SENDER, AT_HOME, replace(AT_HOME, street1="Juniper Street", street2=""), replace(AT_HOME, city="")):
        carrier.check(address)
    agreed = carrier.pick_up(collection(rig.clock()), KEY)
    for _ in range(2):
        carrier.leave(agreed)
    carrier.follow_parcels(made[0].tracking, "https://hub.example/webhooks/ups")


def _bought(carrier: Any, one: Consignment, n: int) -> Bought:
    made: Bought = carrier.buy(one, min(carrier.rates(one), key=lambda quote: quote.price.minor).service, f"{n:032x}")
    return made


def test_a_tour_makes_every_call_of_the_manifest(rig: Rig) -> None:
    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)
    assert set(rig.budget.taken) == set(MANIFEST.rates)


def _oracle() -> ModuleType:
    path = CONTRACTS.parent / "tools/contract_oracle.py"
    if not path.exists():
        pytest.skip("the vendors' contracts are not here")
    spec = importlib.util.spec_from_file_location("contract_oracle", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_of_a_tour_holds_against_upss_own_contract(rig: Rig) -> None:
    oracle = _oracle()

    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    checked = [(line["path"], *oracle.check(line)) for line in lines]
    assert [path for path, operation, _ in checked if operation is None] == []
    assert {f"{operation}: {text}" for _, operation, texts in checked for text in texts} == set()
