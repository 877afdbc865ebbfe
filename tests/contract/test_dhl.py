"""DHL Express against its simulator, its examples, and its own contract."""

import importlib.util
import json
import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors.dhl import MANIFEST, normalize, render
from connectors.http import read_json, write_json
from connectors.simulation import Fault, reply
from core.domain.money import Money
from core.domain.shipping import Box, Collection, Customs, Duties, Goods, LabelFormat, Progress, Sought, Verdict, Voided
from core.errors import AccessLost, BadPayload, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import ChecksAddresses, PicksUp, Reprints
from tests.contract.carriers import ABROAD, AT_HOME, DECLARED, KEY, MUG, SENDER, START, Rig, wish

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
EXAMPLES = ROOT / "connectors/dhl/examples"
BERLIN = replace(ABROAD, city="Berlin", postcode="10117", street1="Am Kanal 3", company="Kanal Keramik", phone="+493055501234")
LYON = replace(ABROAD, city="Lyon", postcode="69002", country="FR")


@pytest.fixture
def rig():
    return Rig(MANIFEST)


def bought(rig, boxes=1, key=KEY, **different):
    return rig.carrier.buy(wish(ABROAD, boxes, **different), "P", key)


def moved(rig, number, *steps, hours=5, **where):
    for what in steps:
        rig.clock.forward(hours=hours)
        rig.simulator.move(number, what, where)


def sent(rig, operation):
    """The bodies of the recorded requests to this path, as they went out (people masked)."""
    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    return [json.loads(line["body"]) for line in lines if line["path"].endswith(operation) and line["body"]]


# ---- prices


def test_prices_are_those_of_the_bill_with_the_day_that_dhl_commits_itself_to(rig):
    quotes = rig.carrier.rates(wish(ABROAD))

    assert {quote.service: quote.name for quote in quotes} == {
        "P": "EXPRESS WORLDWIDE",
        "Y": "EXPRESS 12:00",
        "E": "EXPRESS 9:00",
    }
    assert all(quote.price.currency == "USD" and quote.arrives_on > date(2026, 11, 18) for quote in quotes)
    assert all(quote.service in MANIFEST.services for quote in quotes)


def test_inside_the_united_states_it_offers_nothing_and_that_is_no_mistake(rig):
    assert rig.carrier.rates(wish(AT_HOME)) == []


def test_inside_one_customs_area_other_products_go_without_a_declaration(rig):
    inside = replace(wish(LYON), sender=BERLIN, customs=None)

    assert {quote.service for quote in rig.carrier.rates(inside)} == {"U", "T", "W"}
    assert {quote.service for quote in rig.carrier.rates(replace(inside, to=replace(LYON, country="DE")))} == {"N", "I"}


def test_what_is_heavier_goes_farther_or_is_insured_costs_more(rig):
    def cheapest(one):
        return min(quote.price.minor for quote in rig.carrier.rates(one))

    plain = cheapest(wish(ABROAD))
    near = replace(ABROAD, country="CA", postcode="K1A0B1", city="Ottawa")

    assert cheapest(wish(ABROAD, boxes=3)) > plain > cheapest(wish(near))
    assert cheapest(wish(ABROAD, insured=Money(50_000, "USD"), signature=True)) > plain
    assert cheapest(wish(ABROAD, customs=replace(DECLARED, duties=Duties.RECEIVER))) < plain


# ---- labels


def test_a_shipment_of_several_boxes_goes_under_its_waybill_and_the_numbers_of_its_pieces(rig):
    made = bought(rig, boxes=3)

    assert made.master.isdigit() and len(made.master) == 10
    assert [number[:2] for number in made.tracking[1:]] == ["JD", "JD"]
    assert made.handle["waybill"] == made.master and made.handle["pieces"][1:] == list(made.tracking[1:])
    assert [(paper.kind, paper.format) for paper in made.forms] == [("form", "pdf"), ("invoice", "pdf")]
    assert made.price is not None and made.price.currency == "USD" and made.arrives_on is not None


def test_the_invoice_is_pdf_also_beside_labels_for_a_label_printer(rig):
    made = bought(rig, label=LabelFormat.ZPL)

    assert [(paper.kind, paper.format) for paper in (*made.labels, *made.forms)] == [
        ("label", LabelFormat.ZPL),
        ("form", LabelFormat.ZPL),
        ("invoice", LabelFormat.PDF),
    ]


def test_a_format_that_dhl_does_not_print_is_declined_before_anybody_is_asked(rig):
    with pytest.raises(Refused):
        bought(rig, label=LabelFormat.PNG)
    assert rig.calls() == []


def test_our_key_is_the_first_reference_and_names_the_message(rig):
    bought(rig)

    line = json.loads(rig.recorder.getvalue().splitlines()[-1])
    body = json.loads(line["body"])
    assert body["customerReferences"] == [{"value": KEY, "typeCode": "CU"}]
    assert body["content"]["packages"][0]["customerReferences"] == [{"value": "1001", "typeCode": "CU"}]
    assert line["headers"]["message-reference"] == KEY
    assert line["headers"]["message-reference-date"] == "Wed, 18 Nov 2026 15:00:00 GMT"
    assert line["headers"]["x-version"] == "3.1.0"


def test_duties_that_the_sender_pays_are_a_service_an_account_and_an_incoterm(rig):
    bought(rig)
    bought(rig, key="f" * 32, customs=replace(DECLARED, duties=Duties.RECEIVER))

    paid, unpaid = sent(rig, "/shipments")
    assert [one["serviceCode"] for one in paid["valueAddedServices"]] == ["DD", "WY"]
    assert [one["typeCode"] for one in paid["accounts"]] == ["shipper", "duties-taxes"]
    assert (paid["content"]["incoterm"], unpaid["content"]["incoterm"]) == ("DDP", "DAP")
    assert [one["serviceCode"] for one in unpaid["valueAddedServices"]] == ["WY"]
    assert [one["typeCode"] for one in unpaid["accounts"]] == ["shipper"]


def test_a_wish_for_a_signature_and_insurance_is_asked_for_by_code(rig):
    bought(rig, signature=True, insured=Money(12_345, "USD"))

    [body] = sent(rig, "/shipments")
    assert body["valueAddedServices"][0] == {"serviceCode": "II", "value": 123.45, "currency": "USD"}
    assert {"serviceCode": "SF"} in body["valueAddedServices"]


def test_paperless_customs_may_be_switched_off():
    rig = Rig(MANIFEST, paperless=False)
    bought(rig, customs=replace(DECLARED, duties=Duties.RECEIVER))

    [line] = [json.loads(text) for text in rig.recorder.getvalue().splitlines()]
    assert line["query"] == [] and "valueAddedServices" not in json.loads(line["body"])


def test_the_moment_is_never_past_and_stands_on_the_clock_of_the_place():
    settings = {**MANIFEST.settings, "zone": "America/New_York"}

    later = render.moment(date(2026, 11, 19), START, settings)
    today = render.moment(date(2026, 11, 18), START.replace(hour=23, minute=30), settings)
    late = render.moment(date(2026, 11, 12), START, settings)

    assert render.stamp(later) == "2026-11-19T18:00:00 GMT-05:00"
    assert render.stamp(today) == "2026-11-18T18:45:00 GMT-05:00"
    assert render.stamp(late) == "2026-11-18T10:15:00 GMT-05:00"
    assert render.stamp(START) == "2026-11-18T15:00:00 GMT+00:00"


def test_a_zone_that_there_is_not_is_told_by_its_name():
    with pytest.raises(Refused, match="Nowhere/Atall"):
        Rig(MANIFEST, zone="Nowhere/Atall").carrier.rates(wish(ABROAD))


def test_grams_and_millimeters_arrive_as_they_are():
    [package] = body_of(one_box(Box(1501, 305, 200, 1)))["content"]["packages"]

    assert package["weight"] == Decimal("1.501")
    assert package["dimensions"] == {"length": Decimal("30.5"), "width": Decimal("20.0"), "height": Decimal("0.1")}


def test_a_box_whose_size_nobody_knows_has_none():
    [package] = body_of(one_box(Box(900)))["content"]["packages"]

    assert "dimensions" not in package


def one_box(box, **different):
    return replace(wish(ABROAD), boxes=(box,), **different)


def body_of(one, service="P", **settings):
    terms = render.Terms("963814207", START + timedelta(hours=3), {**MANIFEST.settings, **settings})
    return render.shipment(one, service, KEY, terms)


def test_a_declaration_has_a_line_for_each_of_the_goods():
    goods = (MUG, Goods("Linen towel", 3, 120, Money(990, "USD"), "", "LT"))
    content = body_of(replace(wish(ABROAD), customs=Customs(goods, Duties.RECEIVER, "gift", eori="DE1234567", vat="EL094000000")))[
        "content"
    ]

    declared = content["exportDeclaration"]
    assert (content["declaredValue"], content["declaredValueCurrency"]) == (Decimal("66.70"), "USD")
    assert content["description"] == "Stoneware mug, Linen towel"
    first, second = declared["lineItems"]
    assert (first["price"], first["quantity"]["value"]) == (Decimal("18.50"), 2)
    assert first["commodityCodes"] == [{"typeCode": "outbound", "value": "691200"}, {"typeCode": "inbound", "value": "691200"}]
    assert "commodityCodes" not in second and second["manufacturerCountry"] == "LT"
    assert first["weight"] == {"netValue": Decimal("0.800"), "grossValue": Decimal("0.800")}
    assert (declared["exportReasonType"], declared["shipmentType"], declared["invoice"]["number"]) == ("gift", "personal", "1001")


def test_registration_numbers_name_the_country_that_gave_them():
    customs = Customs((MUG,), ioss="IM2760000742", eori="XI123456789000", vat="123456789")

    assert [(one["typeCode"], one["issuerCountryCode"]) for one in render.registrations(customs, "US")] == [
        ("SDT", "DE"),
        ("EOR", "GB"),
        ("VAT", "US"),
    ]


def test_a_local_product_is_bought_by_its_own_code():
    body = body_of(wish(ABROAD), "N/1")

    assert (body["productCode"], body["localProductCode"]) == ("N", "1")
    assert "localProductCode" not in body_of(wish(ABROAD), "P")


def test_the_filing_of_what_leaves_the_united_states_is_told_where_it_is_known():
    assert "USFilingTypeValue" not in body_of(wish(ABROAD))["content"]
    assert body_of(wish(ABROAD), us_filing="30.37(a)")["content"]["USFilingTypeValue"] == "30.37(a)"


def test_a_long_street_is_broken_between_words_and_never_cut():
    long = replace(
        ABROAD, street1="Hinterhaus am alten Hafen der Seefahrer und Fischer 12b", street2="Aufgang C", street3="dritte Etage links"
    )

    lines = render.street(long)

    assert lines == ["Hinterhaus am alten Hafen der Seefahrer und", "Fischer 12b, Aufgang C, dritte Etage links"]
    with pytest.raises(Refused):
        render.street(replace(long, street2="x" * 45, street3="y" * 45))


@pytest.mark.parametrize(
    "broken",
    [
        {"to": replace(ABROAD, phone="")},
        {"customs": replace(DECLARED, goods=(replace(MUG, origin=""),))},
        {"customs": replace(DECLARED, goods=(MUG, replace(MUG, value=Money(100, "EUR"))))},
        {"customs": replace(DECLARED, reason="because")},
    ],
    ids=["no telephone", "no origin", "two currencies", "no such reason"],
)
def test_what_dhl_has_no_place_for_is_declined_before_it_is_asked(rig, broken):
    with pytest.raises(Refused) as refused:
        rig.carrier.buy(replace(wish(ABROAD), **broken), "P", KEY)

    assert str(refused.value) and rig.calls() == []


def test_a_telephone_number_may_stand_in_for_those_who_told_none():
    rig = Rig(MANIFEST, phone_if_none="+12075550133")

    assert rig.carrier.buy(wish(replace(ABROAD, phone="")), "P", KEY).master


# ---- lost answers


def test_a_purchase_is_not_found_at_once_and_then_without_labels(rig):
    rig.fail("cut_after", "createShipment")
    with pytest.raises(OutcomeUnknown):
        bought(rig, boxes=2)

    assert rig.carrier.find(wish(ABROAD, 2), "P", KEY) is Sought.ABSENT  # which is why nobody may ask before `lookup_s`
    rig.clock.forward(seconds=MANIFEST.carries.lookup_s)
    found = rig.carrier.find(wish(ABROAD, 2), "P", KEY)

    assert found.labels == () and found.words == normalize.LOST
    assert len(found.tracking) == 2 and not isinstance(rig.carrier, Reprints)


def test_a_purchase_that_was_scanned_meanwhile_is_found_too(rig):
    made = bought(rig)
    rig.clock.forward(seconds=900)
    moved(rig, made.master, "pick_up", hours=1)

    assert rig.carrier.find(wish(ABROAD), "P", KEY).tracking == made.tracking


def test_another_account_or_another_week_does_not_find_it(rig):
    bought(rig)
    rig.clock.forward(days=20)

    assert rig.carrier.find(replace(wish(ABROAD), ship_on=date(2027, 3, 1)), "P", KEY) is Sought.ABSENT


def test_a_shipment_that_is_told_to_have_another_reference_is_not_ours(rig, monkeypatch):
    other = {"shipmentTrackingNumber": "4073318296", "events": [], "shipperReferences": [{"value": "1001", "typeCode": "CU"}]}
    monkeypatch.setattr(rig.simulator, "answer", lambda *_: reply({"shipments": [other]}))
    assert rig.carrier.find(wish(ABROAD), "P", KEY) is Sought.ABSENT

    del other["shipperReferences"]  # then it was found by what we asked for
    assert rig.carrier.find(wish(ABROAD), "P", KEY).tracking == ("4073318296",)


def test_whoever_cannot_be_told_apart_is_looked_at_by_a_person(rig):
    bought(rig, boxes=2)
    rig.clock.forward(seconds=900)

    assert rig.carrier.find(wish(ABROAD, 3), "P", KEY) is Sought.CANNOT_TELL


# ---- giving back


def test_a_label_that_was_never_scanned_costs_nothing_and_one_that_was_is_used(rig):
    made = bought(rig, boxes=2)

    assert rig.carrier.void(made).became is Voided.UNUSED
    moved(rig, made.tracking[1], "pick_up")
    assert rig.carrier.void(made).became is Voided.REFUSED


# ---- tracking


def test_many_numbers_are_asked_for_in_one_call_and_only_those_that_moved_once_more(rig):
    made = [bought(rig, key=f"{n:032x}") for n in range(4)]
    moved(rig, made[1].master, "pick_up", "travel")
    before = len(rig.calls())

    told = rig.carrier.track([one.master for one in made])

    assert rig.calls()[before:] == ["tracking", "shipmentTracking"]
    assert [len(told[one.master].steps) for one in made] == [0, 2, 0, 0]
    assert told[made[1].master].expected_on is not None


def test_times_are_utc_whatever_the_clock_of_the_place_says(rig):
    made = bought(rig)
    moved(rig, made.master, "pick_up", town="Portland", country="US")
    moved(rig, made.master, "deliver", town="Leipzig", country="DE")

    first, last = rig.carrier.track([made.master])[made.master].steps

    assert (first.at, last.at) == (START + timedelta(hours=5), START + timedelta(hours=10))
    assert (last.town, last.country, last.words) == ("LEIPZIG", "DE", "Delivered")


def test_each_box_has_steps_of_its_own(rig):
    made = bought(rig, boxes=2)
    moved(rig, made.tracking[1], "pick_up")

    told = rig.carrier.track(list(made.tracking))

    assert [step.progress for step in told[made.tracking[1]].steps] == [Progress.PICKED_UP]
    assert [step.code for step in told[made.master].steps] == ["PU"]
    assert rig.carrier.track([made.handle["pieces"][0]])[made.handle["pieces"][0]].steps == ()


def test_what_a_spent_budget_did_not_reach_is_left_out(rig):
    made = [bought(rig, key=f"{n:032x}") for n in range(3)]
    for one in made[:2]:
        moved(rig, one.master, "pick_up")
    rig.world.faults.append(Fault("429", "shipmentTracking", after=1))

    told = rig.carrier.track([one.master for one in made])

    assert set(told) == {made[0].master, made[2].master}
    rig.fail("429", "shipmentTracking")
    with pytest.raises(RateLimited):
        rig.carrier.track([one.master for one in made])


def test_every_event_of_dhls_own_list_has_a_meaning_or_is_left_unknown_on_purpose():
    known = (
        "AF AR CR DF PL TR AD BA BL BN BR CA CC CD CI CM CS CU DD DI DM DP DS ES FD HI HN HO HP IA IC IR LV MC MD MS NA ND NH OH OK PD "
        "PU PY RD RR RT RW SA SC SI SM SS ST TD TI TP TT UD UV WC DUMMY_PU"
    )

    assert set(known.split()) - set(normalize.PROGRESS) == {"DI", "IA", "PY", "RW", "SC", "SI", "TI", "TT"}
    assert set(normalize.PROGRESS) <= set(known.split())


# ---- addresses and the driver


@pytest.mark.parametrize(
    ("place", "verdict", "city"),
    [
        ({}, Verdict.GOOD, ""),
        ({"city": "Halle"}, Verdict.CORRECTED, "LEIPZIG"),
        ({"postcode": "", "city": "Springe"}, Verdict.AMBIGUOUS, "SPRINGE"),
        ({"postcode": "00123"}, Verdict.UNKNOWN, ""),
    ],
)
def test_an_address_is_checked_by_its_postal_code_and_town(rig, place, verdict, city):
    assert isinstance(rig.carrier, ChecksAddresses)

    said = rig.carrier.check(replace(ABROAD, **place))

    assert said.verdict is verdict
    assert [one.city for one in said.better][:1] == ([city] if city else [])
    assert all(one.street1 == ABROAD.street1 and one.name == ABROAD.name for one in said.better)


def collection(**different):
    ready = START + timedelta(hours=2)
    return Collection(**{"place": SENDER, "ready": ready, "until": ready + timedelta(hours=4), "parcels": 3, "weight_g": 4000, **different})


def test_a_driver_is_ordered_and_called_off_once_however_often_that_is_said(rig):
    assert isinstance(rig.carrier, PicksUp)

    agreed = rig.carrier.pick_up(collection(words="Ring at dock 4"), KEY)
    for _ in range(2):
        rig.carrier.leave(agreed)

    [pickup] = rig.simulator.state["pickups"].values()
    assert (pickup["cancelled"], pickup["parcels"], pickup["remark"]) == (True, 3, KEY)
    assert agreed.id in rig.simulator.state["pickups"]
    [body] = sent(rig, "/pickups")
    assert body["closeTime"] == "21:00" and body["plannedPickupDateAndTime"] == "2026-11-18T17:00:00 GMT+00:00"
    assert [one["weight"] for one in body["shipmentDetails"][0]["packages"]] == [1.334] * 3


def test_a_pickup_that_nobody_knows_need_not_be_called_off(rig):
    agreed = rig.carrier.pick_up(collection(), KEY)

    rig.carrier.leave(replace(agreed, handle={"numbers": ["PRG261118000099"]}))

    assert [one["cancelled"] for one in rig.simulator.state["pickups"].values()] == [False]
    assert rig.calls()[-1] == "cancelPickup"


def test_a_time_without_a_zone_is_that_of_the_place():
    rig = Rig(MANIFEST, zone="America/New_York")

    rig.carrier.pick_up(collection(ready=datetime(2026, 11, 18, 13, 0), until=datetime(2026, 11, 18, 17, 0)), KEY)

    assert sent(rig, "/pickups")[0]["plannedPickupDateAndTime"] == "2026-11-18T13:00:00 GMT-05:00"


@pytest.mark.parametrize(
    ("kind", "error"), [("429", RateLimited), ("500", OutcomeUnknown), ("html", OutcomeUnknown), ("cut_after", OutcomeUnknown)]
)
def test_a_pickup_whose_answer_is_lost_may_have_been_ordered(rig, kind, error):
    rig.fail(kind, "requestPickup")

    with pytest.raises(error):
        rig.carrier.pick_up(collection(), KEY)


# ---- what goes wrong


def test_wrong_credentials_lose_access_and_a_service_that_is_not_allowed_is_refused(rig):
    rig.simulator.state["secret"] = "changed meanwhile"
    with pytest.raises(AccessLost):
        rig.carrier.probe()

    rig = Rig(MANIFEST)
    rig.simulator.state["account"] = "111111111"
    with pytest.raises(Refused) as refused:
        rig.carrier.rates(wish(ABROAD))
    assert not isinstance(refused.value, AccessLost) and refused.value.facts["codes"] == "8003"


@pytest.mark.parametrize(
    ("detail", "error"),
    [("5032: Not authorized to use this service.", Refused), ("Forbidden", AccessLost), (None, AccessLost)],
)
def test_a_403_with_a_number_is_about_a_service_and_one_without_about_us(rig, monkeypatch, detail, error):
    monkeypatch.setattr(rig.simulator, "answer", lambda *_: reply({"detail": detail, "message": "Forbidden"} if detail else [], 403))

    with pytest.raises(Refused) as refused:
        rig.carrier.probe()
    assert type(refused.value) is error


def test_a_bad_answer_to_a_purchase_is_not_taken_for_a_label(rig, monkeypatch):
    monkeypatch.setattr(rig.simulator, "answer", lambda *_: reply({"shipmentTrackingNumber": "1234567890"}, 201))
    with pytest.raises(BadPayload, match="packages"):
        bought(rig)

    monkeypatch.setattr(rig.simulator, "answer", lambda *_: reply([], 201))
    with pytest.raises(OutcomeUnknown):
        bought(rig)
    with pytest.raises(Unavailable):
        rig.carrier.track(["1234567890"])


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/tracking", 400, "Missing mandatory parameters: shipmentTrackingNumber"),
        ("GET", "/tracking?shipmentReference=x", 400, "Missing mandatory parameters: shipperAccountNumber"),
        ("GET", "/tracking?shipmentTrackingNumber=1234567890", 404, "No Shipments Found"),
        ("GET", "/shipments/1234567890/tracking", 404, "No Shipments Found"),
        ("GET", "/address-validate?countryCode=DE", 400, "Missing mandatory parameters: type"),
        ("DELETE", "/pickups/PRG261118000001?reason=x", 400, "Missing mandatory parameters: requestorName"),
        ("POST", "/rates", 422, "not JSON"),
        ("GET", "/products", 404, "No such resource"),
    ],
)
def test_the_simulator_refuses_what_dhl_refuses_in_dhls_shape(rig, method, path, status, words):
    answer = rig.kit.http.send(method, rig.kit.settings["api_url"] + path, changes=False, headers=rig.carrier._client._headers("r" * 32))

    said = answer.json()
    assert (answer.status_code, said["status"]) == (status, str(status))
    assert words in said["detail"] and said["title"] and said["instance"].startswith("/expressapi/")


def damaged(body: Mapping[str, Any], path: str, value: Any) -> Any:
    """A body with another value at a place of it; ... takes the field out."""
    made = json.loads(write_json(body))
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    part: Any = made
    for step in steps:
        part = part[step]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "status", "words"),
    [
        ("productCode", ..., 422, "#: required key [productCode] not found"),
        ("content.packages.0.weight", ..., 422, "#/content/packages/0: required key [weight] not found"),
        ("content.packages", [], 422, "#/content/packages: expected a length of 1 to 999"),
        ("content.description", "x" * 71, 422, "#/content/description"),
        ("content.zz", 1, 422, "#/content: extraneous key [zz] is not permitted"),
        ("pickup.isRequested", "no", 422, "#/pickup/isRequested: expected true or false"),
        ("customerDetails.receiverDetails.postalAddress.postalCode", "", 400, "post code is missing"),
        ("content.packages.0.weight", 70.5, 400, "70 kg"),
        ("productCode", "Z", 400, "'Z' is not available"),
        ("content.exportDeclaration", ..., 400, "exportDeclaration is required"),
        ("content.isCustomsDeclarable", False, 400, "isCustomsDeclarable must be true"),
        ("valueAddedServices.0.serviceCode", "xx", 400, "7008"),
        ("plannedShippingDateAndTime", "2026-11-18 18:00", 400, "998"),
        ("plannedShippingDateAndTime", "2026-11-17T18:00:00 GMT+00:00", 400, "past"),
        ("plannedShippingDateAndTime", "2026-12-18T18:00:00 GMT+00:00", 400, "10 days"),
        ("accounts.0.number", "1", 400, "8003"),
    ],
)
def test_the_simulator_sells_no_label_for_what_dhl_would_not(rig, path, value, status, words):
    client = rig.carrier._client

    with pytest.raises(Refused) as refused:
        client.ship(damaged(body_of(wish(ABROAD)), path, value), KEY, [])

    assert refused.value.facts["status"] == status and words in refused.value.words
    assert rig.simulator.parcels() == []


@pytest.mark.parametrize("weight_g", [0, 70_001])
def test_a_piece_that_weighs_nothing_or_too_much_gets_no_label(rig, weight_g):
    with pytest.raises(Refused):
        rig.carrier.buy(one_box(Box(weight_g)), "P", KEY)
    assert rig.simulator.parcels() == []


def test_several_mistakes_are_told_at_once(rig):
    with pytest.raises(Refused) as refused:
        rig.carrier._client.ship({"productCode": "P"}, KEY, [])

    assert "additional details" in refused.value.words.lower() and "[accounts]" in refused.value.words


def test_the_simulator_wants_the_headers_that_dhl_wants(rig):
    headers = rig.carrier._client._headers("r" * 32)
    url = rig.kit.settings["api_url"] + "/address-validate?type=delivery&countryCode=DE"

    for broken in ({"x-version": ""}, {"Message-Reference": "short"}):
        assert rig.kit.http.send("GET", url, changes=False, headers={**headers, **broken}).status_code == 400


def test_the_simulator_limits_calls_as_its_vendor_would(rig):
    with pytest.raises(RateLimited) as limited:
        for _ in range(60):
            rig.carrier.probe()

    assert limited.value.wait_s >= 1


# ---- the examples

READERS = {
    "rates": lambda said: normalize.quotes(said),
    "bought": lambda said: normalize.bought(said, len(said["packages"])),
    "tracked": lambda said: normalize.tracked(normalize.shipments(said), "+00:00"),
    "found": lambda said: [normalize.found(one, 2) for one in normalize.shipments(said)],
    "checked": lambda said: normalize.checked(said, BERLIN),
    "agreed": lambda said: normalize.agreed(said),
}
PAIRS = sorted(path.name.removesuffix(".in.json") for path in EXAMPLES.glob("*.in.json"))


def reader(name):
    return READERS[name.partition("_")[0]]


def plain(value: Any) -> Any:
    """A value of ours as JSON would write it."""
    if isinstance(value, Money):
        return f"{value.text()} {value.currency}"
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if is_dataclass(value):
        said = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        return {name: part for name, part in said.items() if part not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("name", PAIRS)
def test_an_example_becomes_what_stands_beside_it(name):
    said = read_json((EXAMPLES / f"{name}.in.json").read_bytes())

    assert plain(reader(name)(said)) == json.loads((EXAMPLES / f"{name}.out.json").read_text("utf-8"))


def places(value: Any, path: tuple[Any, ...] = ()):
    """Each place in a document."""
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in steps:
        yield from places(part, (*path, step))


@pytest.mark.parametrize("name", PAIRS)
def test_an_example_that_is_damaged_anywhere_is_refused_by_field_or_read_all_the_same(name):
    raw = (EXAMPLES / f"{name}.in.json").read_bytes()
    read = reader(name)

    for path in list(places(read_json(raw))):
        for value in (None, True, -7, Decimal("0.5"), "zz", [], {}, [[]], ...):
            document = read_json(raw)
            part = document
            for step in path[:-1]:
                part = part[step]
            if value is ...:
                del part[path[-1]]
            else:
                part[path[-1]] = deepcopy(value)
            try:
                read(document)
            except BadPayload as error:
                assert str(error).startswith("dhl: ") and "\n" not in str(error)
            except (KeyError, TypeError):
                assert path == ("packages",)  # the reader of this test counts them


@pytest.mark.parametrize("name", PAIRS)
def test_fields_we_never_heard_of_do_not_matter(name):
    raw = (EXAMPLES / f"{name}.in.json").read_bytes()
    grown = json.loads(raw)
    for path in [(), *places(json.loads(raw))]:
        part = grown
        for step in path:
            part = part[step]
        if isinstance(part, dict):
            part["zzUnheardOf"] = {"new": [1, None]}

    assert plain(reader(name)(read_json(json.dumps(grown)))) == plain(reader(name)(read_json(raw)))


# ---- the contract


def tour(rig: Rig) -> None:
    """Every call of the connector."""
    rig.carrier.probe()
    for one in (wish(ABROAD), wish(AT_HOME), replace(wish(LYON), sender=BERLIN, customs=None)):
        rig.carrier.rates(one)
    made = bought(rig, boxes=2, signature=True, insured=Money(9_999, "USD"), residential=True)
    rig.carrier.buy(replace(wish(LYON, label=LabelFormat.ZPL), sender=BERLIN, customs=None, references=()), "U", "a" * 32)
    rig.carrier.buy(replace(one_box(Box(700)), customs=Customs((MUG,), Duties.RECEIVER, "gift", "", "", "US1", "US2")), "Y", "b" * 32)
    rig.clock.forward(seconds=900)
    for key in (KEY, "c" * 32):
        rig.carrier.find(wish(ABROAD, 2), "P", key)
    rig.carrier.void(made)
    moved(rig, made.master, "pick_up", "travel", "fail", "bring", "deliver")
    rig.carrier.track([*made.tracking, "1234567890"])
    rig.carrier.find(wish(ABROAD, 2), "P", KEY)
    for one in (ABROAD, replace(ABROAD, postcode="")):
        rig.carrier.check(one)  # type: ignore[attr-defined]
    agreed = rig.carrier.pick_up(collection(ready=rig.clock() + timedelta(hours=1), until=rig.clock() + timedelta(hours=2)), KEY)  # type: ignore[attr-defined]
    rig.carrier.leave(agreed)  # type: ignore[attr-defined]


def test_a_tour_makes_every_call_of_the_manifest():
    rig = Rig(MANIFEST, "relaxed")

    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)
    assert set(rig.budget.taken) == set(MANIFEST.rates)


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_of_a_tour_holds_against_dhls_own_contract():
    oracle, rig = _oracle(), Rig(MANIFEST, "relaxed")

    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    met = {oracle.check(line)[0] for line in lines}
    assert len(met) == len(MANIFEST.calls)
    assert {f"{operation}: {text}" for operation, texts in map(oracle.check, lines) for text in texts} == set()


def _oracle() -> ModuleType:
    path = CONTRACTS.parent / "tools/contract_oracle.py"
    if not path.exists():
        pytest.skip("the vendors' contracts are not here")
    spec = importlib.util.spec_from_file_location("contract_oracle", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
