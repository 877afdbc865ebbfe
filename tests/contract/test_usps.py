"""USPS beyond what every carrier is held to: its bodies, its answers, its keys, and what its simulator declines."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter

from connectors.http import Http, read_json
from connectors.usps import MANIFEST, normalize, render
from connectors.usps import simulator as usps
from connectors.usps.carrier import UspsCarrier
from connectors.usps.client import Client
from core.domain.money import Money
from core.domain.shipping import Bought, Box, Collection, Customs, Duties, Goods, LabelFormat, Progress, Verdict, Voided
from core.errors import AccessLost, BadPayload, OutcomeUnknown, RateLimited, Refused, Unavailable, Unsupported
from core.ports import ChecksAddresses, ClosesDays, PicksUp, Refunds, Reprints
from tests.contract.carriers import ABROAD, AT_HOME, DECLARED, KEY, MUG, SENDER, Rig, wish
from tests.contract.oracle import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "connectors/usps/examples").glob("*.in.json"))
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
OTHER = KEY[::-1]
GROUND, PRIORITY, EXPRESS = "USPS_GROUND_ADVANTAGE", "PRIORITY_MAIL", "PRIORITY_MAIL_EXPRESS"
PRIORITY_ABROAD = "PRIORITY_MAIL_INTERNATIONAL"
DRIVER = Collection(SENDER, datetime(2026, 11, 19, 9), datetime(2026, 11, 19, 17), 3, 4000, "Ring at dock 4")


@pytest.fixture
def rig() -> Rig:
    return Rig(MANIFEST)


# ---- examples


def quotes(answer: Any) -> Any:
    offered = frozenset(str(MANIFEST.settings["mail_classes"]).split())
    return normalize.quotes(answer, "COMMERCIAL", lambda name: render.indicator(wish().boxes[0], name), offered, frozenset(["CP"]))


READS = {
    "options": quotes,
    "label": lambda answer: normalize.bought(answer, wish(), render.key(KEY), LabelFormat.PDF, abroad=False),
    "international_label": lambda answer: normalize.bought(answer, wish(ABROAD), render.key(KEY), LabelFormat.PDF, abroad=True),
    "reprint": lambda answer: normalize.reprinted(answer, LabelFormat.PNG),
    "tracking": lambda answer: normalize.tracked(answer, "America/Chicago"),
    "address": lambda answer: normalize.checked(answer, AT_HOME),
    "scan_form": normalize.closed,
    "pickup": normalize.agreed,
    "cancellation": normalize.cancelled,
    "payment": lambda answer: [normalize.payment_token(answer), normalize.account(answer)],
}
# What USPS itself leaves out, or says null to, when there is nothing to say. Everything else that an example holds and we read is needed.
OPTIONAL = """
commitment scheduleDeliveryDate expectedDeliveryDate totalPrice fees extraServices dutiesTaxesFeesQuote prepaidDutiesTaxesFees
itemQuotes itemCosts dutyPrice taxPrice packageFee statusSummary trackingEvents GMTTimestamp GMTOffset eventTimestamp eventCity
eventCountry predictedDeliveryDate expectedDeliveryTimeStamp additionalInfo DPVConfirmation business corrections text ZIPPlus4
secondaryAddress pickupDate shippingOptions rateOptions destinationEntryFacilityType name code price
""".split()  # noqa: SIM905 - forty names read better as words


def plain(value: Any) -> Any:
    """One of our values as JSON."""
    match value:
        case Money():
            return f"{value.text()} {value.currency}"
        case bytes():
            return value.decode("latin-1")
        case StrEnum():
            return value.value
        case date():
            return value.isoformat()
        case list() | tuple():
            return [plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value


def example(path: Path) -> tuple[str, Any]:
    said = read_json(path.read_bytes())
    return said["kind"], said["answer"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".in.json"))
def test_an_answer_becomes_what_stands_beside_it(path):
    kind, answer = example(path)

    assert plain(READS[kind](answer)) == json.loads(path.with_name(path.name.replace(".in.", ".out.")).read_text("utf-8"))


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a document."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in [(node, key), *places(node[key])]]


@contextmanager
def damaged(holder: Any, key: Any, wrong: Any) -> Iterator[None]:
    """`wrong` stands there for a while, or nothing (`...`)."""
    rest = holder.copy()
    if wrong is ...:
        del holder[key]
    else:
        holder[key] = wrong
    yield
    holder.clear()
    holder.update(rest) if isinstance(holder, dict) else holder.extend(rest)


WRONG = (..., None, [], {}, "§", 7, True, Decimal("0.001"), ["x"], {"x": "y"})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".in.json"))
def test_a_damaged_answer_is_refused_or_means_the_same_as_before(path):
    kind, answer = example(path)
    whole = READS[kind](answer)

    for holder, key in places(answer):
        for wrong in WRONG:
            with damaged(holder, key, wrong):
                said = read_or_refused(READS[kind], answer)
            needed = wrong in (..., None) and isinstance(key, str) and key not in OPTIONAL
            assert said is None or not needed or said == whole, key


def read_or_refused(read: Any, answer: Any) -> Any:
    """None where it is refused; any other error is a mistake of ours."""
    try:
        return read(answer)
    except BadPayload as error:
        assert "usps" in str(error)
        return None


def test_what_cannot_be_read_is_named():
    kind, answer = example(ROOT / "connectors/usps/examples/label_domestic.in.json")
    for name in ("postage", "trackingNumber", "labelImage"):
        with pytest.raises(BadPayload, match=name):
            READS[kind]({**answer, name: []})


def test_a_label_that_is_not_base64_is_no_label():
    _, answer = example(ROOT / "connectors/usps/examples/label_plain.in.json")

    with pytest.raises(BadPayload, match="labelImage"):
        READS["label"]({**answer, "labelImage": "JVBE*Rg=="})


def test_a_price_that_is_no_whole_cent_is_refused():
    _, answer = example(ROOT / "connectors/usps/examples/label_plain.in.json")

    with pytest.raises(BadPayload, match="postage"):
        READS["label"]({**answer, "postage": Decimal("8.005")})


# ---- pounds, inches, shapes


@settings(max_examples=60)
@given(st.integers(1, 100_000))
def test_nothing_is_lighter_or_shorter_for_usps_than_it_is(amount):
    assert render.pounds(amount) * render.GRAMS_PER_POUND >= amount
    assert (render.pounds(amount) - Decimal("0.0001")) * render.GRAMS_PER_POUND < amount
    assert render.inches(amount) * render.MM_PER_INCH >= amount


@pytest.mark.parametrize(
    ("box", "mail_class", "code"),
    [
        (Box(1500, 300, 200, 150), GROUND, "SP"),
        (Box(1500), PRIORITY, "SP"),
        (Box(1500, 400, 400, 400), PRIORITY, "DR"),
        (Box(1500, 400, 400, 400), "MEDIA_MAIL", "SP"),
        (Box(1500, 1000, 600, 300), GROUND, "OS"),
        (Box(1500, 900, 600, 300), PRIORITY, "DR"),
        (Box(1500, 300, 200, 150), EXPRESS, "PA"),
        (Box(1500, 300, 200, 150), "PRIORITY_MAIL_EXPRESS_INTERNATIONAL", "PA"),
    ],
)
def test_a_parcel_goes_by_its_own_rate_indicator(box, mail_class, code):
    assert render.indicator(box, mail_class) == code


@pytest.mark.parametrize(
    ("box", "category"),
    [
        (Box(1500, 300, 200, 150), "MACHINABLE"),
        (Box(1500, 150, 300, 200), "MACHINABLE"),
        (Box(1500, 600, 100, 100), "NONSTANDARD"),
        (Box(1500, 140, 100, 50), "NONSTANDARD"),
        (Box(12_000, 300, 200, 150), "NONSTANDARD"),
        (Box(1500), "MACHINABLE"),
    ],
)
def test_machines_sort_what_is_neither_large_nor_small_nor_heavy(box, category):
    assert render.category(box, MANIFEST.settings) == category
    assert render.category(box, {"processing_category": "FLATS"}) == "FLATS"


@pytest.mark.parametrize(
    ("name", "company", "said"),
    [
        ("Nadia Osei", "", {"firstName": "Nadia", "lastName": "Osei"}),
        ("María del Carmen Ruiz", "", {"firstName": "María del Carmen", "lastName": "Ruiz"}),
        ("Cher", "", {"firm": "Cher"}),
        ("Cher", "Gold Records", {"firm": "Gold Records"}),
        ("", "Gold Records", {"firm": "Gold Records"}),
        ("Ann Lee", "Gold Records", {"firstName": "Ann", "lastName": "Lee", "firm": "Gold Records"}),
        ("", "", {}),
    ],
)
def test_somebody_has_two_names_or_is_a_firm(name, company, said):
    body = render.label(wish(replace(AT_HOME, name=name, company=company)), GROUND, MANIFEST.settings)

    assert {key: body["toAddress"][key] for key in ("firstName", "lastName", "firm") if key in body["toAddress"]} == said


def test_a_domestic_label_says_what_is_sent_and_nothing_of_how_to_reach_the_buyer():
    body = render.label(wish(replace(AT_HOME, postcode="78701-4312", street3="Rear")), GROUND, MANIFEST.settings)

    assert body["toAddress"] == {
        "firstName": "Nadia",
        "lastName": "Osei",
        "streetAddress": "77 Juniper Street",
        "secondaryAddress": "Apt 5, Rear",
        "city": "Austin",
        "state": "TX",
        "ZIPCode": "78701",
        "ZIPPlus4": "4312",
    }
    assert body["packageDescription"]["weight"] == Decimal("3.3070")
    assert [body["packageDescription"][side] for side in ("length", "width", "height")] == [
        Decimal("11.82"),
        Decimal("7.88"),
        Decimal("5.91"),
    ]
    assert body["packageDescription"]["customerReference"] == [{"referenceNumber": "1001", "printReferenceNumber": True}]
    assert "customsForm" not in body


def test_goods_abroad_are_declared_with_their_number_origin_value_and_weight():
    form = render.international_label(wish(ABROAD), PRIORITY_ABROAD, MANIFEST.settings)["customsForm"]

    assert form == {
        "AESITN": "NO EEI 30.37(a)",
        "customsContentType": "MERCHANDISE",
        "invoiceNumber": "INV-1001",
        "exportersReference": {"referenceType": "TAX_CODE", "reference": "IM2760000742"},
        "contents": [
            {
                "itemDescription": "Stoneware mug",
                "itemQuantity": 2,
                "itemTotalValue": Decimal("37.00"),
                "itemTotalWeight": Decimal("1.7637"),
                "weightUOM": "lb",
                "HSTariffNumber": "691200",
                "countryofOrigin": "PT",
            }
        ],
    }


def declared(*goods: Goods, **different: Any) -> Customs:
    return replace(DECLARED, goods=goods, **different)


def test_what_must_be_declared_for_export_first_is_not_sent():
    dear = replace(MUG, value=Money(130_000, "USD"))
    with pytest.raises(Unsupported) as refused:
        render.international_label(wish(ABROAD, customs=declared(dear)), PRIORITY_ABROAD, MANIFEST.settings)
    in_canada = replace(ABROAD, country="CA", region="ON", postcode="K1A 0B1")

    body = render.international_label(wish(in_canada, customs=declared(dear)), PRIORITY_ABROAD, MANIFEST.settings)

    assert "2,500" in refused.value.words
    assert body["customsForm"]["AESITN"] == "NO EEI 30.36"
    assert (body["toAddress"]["country"], body["toAddress"]["provinceISOAlpha2Code"]) == ("Canada", "ON")


def test_values_are_dollars_or_none():
    with pytest.raises(Unsupported, match="EUR"):
        render.international_label(
            wish(ABROAD, customs=declared(replace(MUG, value=Money(1850, "EUR")))), PRIORITY_ABROAD, MANIFEST.settings
        )
    with pytest.raises(Unsupported, match="GBP"):
        render.label(wish(insured=Money(5000, "GBP")), GROUND, MANIFEST.settings)


@pytest.mark.parametrize(
    ("reason", "kind", "why"), [("sale", "MERCHANDISE", None), ("repair", "RETURNED_GOODS", None), ("loan", "OTHER", "loan")]
)
def test_a_reason_that_usps_has_no_word_for_is_told_in_ours(reason, kind, why):
    form = render.customs_form(wish(ABROAD), declared(MUG, reason=reason), MANIFEST.settings)

    assert (form["customsContentType"], form.get("contentComments")) == (kind, why)


@pytest.mark.parametrize(
    ("signature", "insured", "services", "signed"),
    [
        (False, None, [], None),
        (True, None, [921], True),
        (False, Money(50_000, "USD"), [930], False),
        (True, Money(50_001, "USD"), [921, 931], True),
    ],
)
def test_a_signature_and_insurance_are_extra_services(signature, insured, services, signed):
    package = render.label(wish(signature=signature, insured=insured), GROUND, MANIFEST.settings)["packageDescription"]

    assert package["extraServices"] == services
    assert package.get("physicalSignatureRequired") == signed
    assert package.get("packageOptions") == ({"packageValue": Decimal(insured.text())} if insured else None)


def test_no_signature_is_taken_abroad(rig):
    with pytest.raises(Unsupported):
        rig.carrier.rates(wish(ABROAD, signature=True))
    with pytest.raises(Unsupported):
        rig.carrier.buy(wish(ABROAD, signature=True), PRIORITY_ABROAD, KEY)

    assert rig.world.log == []


def test_puerto_rico_is_domestic_mail():
    to = replace(AT_HOME, country="PR", region="", city="Ponce", postcode="00730")

    assert not render.is_abroad(wish(to, customs=None))
    assert render.label(wish(to, customs=None), GROUND, MANIFEST.settings)["toAddress"]["state"] == "PR"


def test_a_permit_pays_by_its_number_and_its_zip_code():
    login = {**usps.LOGIN, "account_type": "PERMIT", "account_number": "8801", "permit_zip": "04101"}

    payer = render.roles(login)["roles"][0]

    assert payer == {"roleName": "PAYER", "CRID": "40404040", "accountType": "PERMIT", "permitNumber": "8801", "permitZIP": "04101"}


# ---- prices


def test_a_quote_is_what_the_label_costs(rig):
    for one in (wish(), wish(signature=True, insured=Money(70_000, "USD")), wish(ABROAD), wish(ABROAD, insured=Money(3700, "USD"))):
        for n, quote in enumerate(rig.carrier.rates(one)):
            key = f"{abs(hash((one.to, one.insured, one.signature))) % 10**9:031d}{n}"
            assert rig.carrier.buy(one, quote.service, key).price == quote.price


def test_a_quote_tells_the_price_without_a_contract_and_the_day(rig):
    first = rig.carrier.rates(wish())[0]

    assert (first.service, first.name, first.arrives_on) == (GROUND, "USPS Ground Advantage", date(2026, 11, 23))
    assert first.listed is not None and first.listed.minor > first.price.minor


def test_who_pays_the_duties_is_in_the_price(rig):
    paid, unpaid = (
        rig.carrier.rates(wish(ABROAD, customs=replace(DECLARED, duties=who)))[0].price for who in (Duties.SENDER, Duties.RECEIVER)
    )

    assert paid - unpaid == Money(500 + 185 + 740, "USD")


def test_prices_of_a_contract_are_asked_for_with_its_account():
    rig = Rig(MANIFEST, price_type="CONTRACT")

    rig.carrier.rates(wish())

    asked = json.loads(json.loads(rig.recorder.getvalue().splitlines()[-1])["body"])["pricingOptions"][0]
    assert asked == {"priceType": "CONTRACT", "paymentAccount": {"accountType": "EPS", "accountNumber": usps.LOGIN["account_number"]}}


def test_flat_rate_boxes_are_offered_where_the_operator_packs_in_them():
    rig = Rig(MANIFEST, rate_indicators="FB", mail_classes=PRIORITY)

    quotes = rig.carrier.rates(wish())
    made = rig.carrier.buy(wish(), quotes[1].service, KEY)

    assert [(quote.service, quote.name) for quote in quotes] == [
        (PRIORITY, "Priority Mail"),
        (f"{PRIORITY}:FB", "Priority Mail, medium flat rate box"),
    ]
    assert made.price == quotes[1].price


def test_a_parcel_without_a_size_has_no_price_but_may_have_a_label(rig):
    one = wish()
    one = replace(one, boxes=(Box(1500),))

    with pytest.raises(Refused) as refused:
        rig.carrier.rates(one)

    assert "length" in refused.value.words
    assert rig.carrier.buy(one, GROUND, KEY).tracking


# ---- purchases


def test_numbers_have_the_check_digits_of_their_standards():
    assert usps.s10("EZ", 1216) == "EZ000012162US"
    assert usps.impb("940550899898100099702") == "9405508998981000997020"
    assert all(len(usps.impb(f"94001901234567{n:07d}")) == 22 for n in range(20))


def test_our_key_travels_as_a_uuid_and_is_known_again(rig):
    first = rig.carrier.buy(wish(), GROUND, KEY)

    again = rig.carrier.find(wish(), GROUND, KEY)

    assert UUID(first.handle["key"]).hex == KEY
    assert isinstance(again, Bought) and again == first
    assert len(rig.simulator.parcels()) == 1


def test_the_same_key_with_another_body_is_declined(rig):
    rig.carrier.buy(wish(), GROUND, KEY)

    with pytest.raises(Refused) as refused:
        rig.carrier.buy(wish(signature=True), GROUND, KEY)

    assert "another request" in refused.value.words and len(rig.live()) == 1


def change(one: Any, **different: Any) -> Any:
    return replace(one, to=replace(one.to, **different))


@pytest.mark.parametrize(
    ("one", "service", "words"),
    [
        (replace(wish(), boxes=(Box(31_752, 300, 200, 150),)), GROUND, "70 pounds"),
        (replace(wish(), boxes=(Box(1500, 2000, 700, 600),)), GROUND, "130 inches"),
        (change(wish(), postcode="7870"), GROUND, "ZIP Code"),
        (change(wish(), postcode="99999"), GROUND, "no such ZIP Code"),
        (change(wish(), region="ZZ"), GROUND, "state"),
        (change(wish(), name="", company=""), GROUND, "first and last name"),
        (change(wish(), street1="x" * 51), GROUND, "50 letters"),
        (wish(), "FOURTH_CLASS", "mailClass"),
        (wish(), f"{PRIORITY}:XX", "rateIndicator"),
        (replace(wish(), ship_on=date(2026, 11, 17)), GROUND, "mailingDate"),
        (replace(wish(), ship_on=date(2026, 11, 26)), GROUND, "mailingDate"),
        (wish(ABROAD, customs=None), PRIORITY_ABROAD, "customsForm"),
        (wish(ABROAD, customs=declared(replace(MUG, title="Gift"))), PRIORITY_ABROAD, "itemDescription"),
        (wish(ABROAD, customs=declared(replace(MUG, origin=""))), PRIORITY_ABROAD, "countryofOrigin"),
        (wish(ABROAD, customs=declared(replace(MUG, hs_code="69"))), PRIORITY_ABROAD, "HSTariffNumber"),
    ],
)
def test_what_usps_declines_is_told_in_its_words(rig, one, service, words):
    with pytest.raises(Refused) as refused:
        rig.carrier.buy(one, service, KEY)

    assert words in refused.value.words and refused.value.facts["status"] == 400
    assert rig.live() == []


def test_a_label_with_a_form_on_it_is_never_an_image(rig):
    abroad = rig.carrier.buy(wish(ABROAD, label=LabelFormat.PNG), PRIORITY_ABROAD, KEY)
    at_home = rig.carrier.buy(wish(customs=DECLARED, label=LabelFormat.PNG), GROUND, OTHER)

    assert [made.labels[0].format for made in (abroad, at_home)] == [LabelFormat.PDF] * 2
    assert rig.carrier.papers(abroad, LabelFormat.PNG)[0].format is LabelFormat.PDF
    assert render.image_format(wish(ABROAD, customs=None, label=LabelFormat.PNG)) is LabelFormat.PDF


def test_two_boxes_are_two_purchases(rig):
    with pytest.raises(Unsupported):
        rig.carrier.buy(wish(boxes=2), GROUND, KEY)


def test_labels_in_several_parts_are_the_same_labels(rig):
    other = Rig(MANIFEST, papers="multipart/form-data")
    made = []
    for one in (rig, other):
        bought = one.carrier.buy(wish(), GROUND, KEY)
        abroad = one.carrier.buy(wish(ABROAD), PRIORITY_ABROAD, OTHER)
        papers = one.carrier.papers(bought, LabelFormat.ZPL)
        made.append((bought, abroad, papers, one.carrier.close([bought], SENDER, KEY)))

    assert made[0] == made[1]
    assert made[0][2][0].content.startswith(b"^XA")


PART = b'--x\r\nContent-Disposition: form-data; name="labelMetadata"\r\nContent-Type: application/json\r\n\r\n{"a": 1}\r\n'


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (PART + b"--x--", "multipart/form-data"),
        (PART * 21 + b"--x--", "multipart/form-data; boundary=x"),
        (PART + b" " * 16_000_000 + b"\r\n--x--", "multipart/form-data; boundary=x"),
        (PART.replace(b'{"a": 1}', b"[1]") + b"--x--", "multipart/form-data; boundary=x"),
        (PART.replace(b'{"a": 1}', b"<html>") + b"--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nz\r\n--y--\r\n--x--", "multipart/form-data; boundary=x"),
    ],
    ids=["empty", "no boundary", "too many", "too large", "a list", "not JSON", "nested"],
)
def test_parts_that_cannot_be_meant_are_refused(raw, kind):
    with pytest.raises(BadPayload):
        normalize.parts(raw, kind)


def test_parts_are_read_whatever_their_headers_say_of_encodings():
    image = PART.replace(b"labelMetadata", b"labelImage").replace(b"application/json", b"image/png\r\nContent-Transfer-Encoding: binary")

    said = normalize.parts(PART + image.replace(b'{"a": 1}', b"iVBO\r\nRw==") + b"--x--", 'multipart/form-data; boundary="x"')

    assert said == {"a": 1, "labelImage": "iVBORw=="}


# ---- giving back, printing again


def test_before_its_manifest_a_label_is_cancelled_and_after_it_a_refund_is_asked_for(rig):
    today, tomorrow, late = (rig.carrier.buy(wish(), GROUND, f"{n:032x}") for n in range(3))
    first = rig.carrier.void(today).became
    rig.clock.forward(hours=15, minutes=29)
    before_night = rig.carrier.void(tomorrow).became
    rig.clock.forward(minutes=2)

    assert (first, before_night, rig.carrier.void(late).became) == (Voided.VOIDED, Voided.VOIDED, Voided.PENDING)
    assert rig.live() == []


def test_giving_back_twice_has_one_effect_on_any_day(rig):
    made = rig.carrier.buy(wish(), GROUND, KEY)
    rig.clock.forward(days=2)

    told = [rig.carrier.void(made).became, rig.carrier.void(made).became]
    rig.clock.forward(days=3)

    assert [*told, rig.carrier.void(made).became] == [Voided.PENDING] * 3
    assert rig.simulator.state["serial"] == 2


@pytest.mark.parametrize("days", [1, 31])
def test_a_label_that_was_used_or_is_old_is_not_taken_back(rig, days):
    made = rig.carrier.buy(wish(), GROUND, KEY)
    rig.clock.forward(days=days)
    if days == 1:
        rig.simulator.move(made.master, "pick_up", {})

    assert rig.carrier.void(made).became is Voided.REFUSED
    assert len(rig.live()) == 1


def test_a_label_abroad_is_cancelled_where_it_was_bought(rig):
    made = rig.carrier.buy(wish(ABROAD), PRIORITY_ABROAD, KEY)

    assert rig.carrier.void(made).became is Voided.VOIDED
    assert rig.calls()[-1] == "cancelInternationalLabel"


def test_a_refund_is_lost_once_the_label_was_scanned(rig):
    assert isinstance(rig.carrier, Refunds)
    made = rig.carrier.buy(wish(), GROUND, KEY)
    rig.clock.forward(days=1)
    rig.carrier.void(made)

    before = rig.carrier.refunded(made)
    rig.simulator.move(made.master, "pick_up", {})

    assert (before, rig.carrier.refunded(made)) == (Voided.PENDING, Voided.REFUSED)


def test_a_label_is_printed_again_three_times_until_it_is_mailed(rig):
    assert isinstance(rig.carrier, Reprints)
    made, other = rig.carrier.buy(wish(), GROUND, KEY), rig.carrier.buy(wish(), GROUND, OTHER)

    again = [rig.carrier.papers(made, how)[0] for how in (LabelFormat.PDF, LabelFormat.PNG, LabelFormat.ZPL)]
    with pytest.raises(Refused) as thrice:
        rig.carrier.papers(made, LabelFormat.PDF)
    rig.clock.forward(days=1)
    with pytest.raises(Refused) as late:
        rig.carrier.papers(other, LabelFormat.PDF)

    assert [paper.content[:4] for paper in again] == [b"%PDF", b"\x89PNG", b"^XA^"]
    assert ("3 times" in thrice.value.words, "mailing date" in late.value.words) == (True, True)


def test_a_cancelled_label_is_not_printed_again(rig):
    made = rig.carrier.buy(wish(), GROUND, KEY)
    rig.carrier.void(made)

    with pytest.raises(Refused):
        rig.carrier.papers(made, LabelFormat.PDF)


# ---- tokens and limits


def authorized(rig: Rig) -> int:
    return sum(entry["operation"] == "authorizePayment" for entry in rig.world.log)


def test_one_payment_authorization_lasts_eight_hours(rig):
    for n in range(3):
        rig.carrier.buy(wish(), GROUND, f"{n:032x}")
    before = authorized(rig)
    rig.clock.forward(hours=8)
    rig.carrier.buy(wish(), GROUND, KEY)

    assert (before, authorized(rig)) == (1, 2)


def test_a_payment_authorization_that_is_refused_is_asked_for_anew_once(rig):
    rig.carrier.buy(wish(), GROUND, KEY)
    rig.simulator.state["payments"].clear()

    rig.carrier.buy(wish(), GROUND, OTHER)

    assert authorized(rig) == 2 and len(rig.live()) == 2


def test_a_token_that_ended_early_is_renewed_once(rig):
    rig.carrier.buy(wish(), GROUND, KEY)
    rig.simulator.state["tokens"].clear()

    rig.carrier.buy(wish(), GROUND, OTHER)

    assert rig.tokens.refreshed == 2 and len(rig.live()) == 2


def test_an_account_that_does_not_hold_together_is_refused_at_the_first_look():
    rig = Rig(MANIFEST)
    rig.carrier = UspsCarrier(replace(rig.kit, login={**rig.kit.login, "mid": "111111111"}), Client(rig.kit))
    wrong = replace(rig.kit, login={**rig.kit.login, "mid": "111111111"})

    with pytest.raises(Refused) as refused:
        UspsCarrier(wrong, Client(wrong)).probe()

    assert "belong together" in refused.value.words and "111111111" not in str(refused.value)


def test_a_wrong_secret_is_access_lost(rig):
    rig.tokens.login["consumer_secret"] = "another"

    with pytest.raises(AccessLost) as lost:
        rig.carrier.probe()

    assert "another" not in str(lost.value)


def test_the_hour_has_sixty_calls_of_an_api(rig):
    for _ in range(60):
        rig.carrier.rates(wish())

    with pytest.raises(RateLimited) as limited:
        rig.carrier.rates(wish())

    assert limited.value.wait_s == 61
    assert rig.carrier.track(["9400100000000000000000"])


def test_what_the_quota_does_not_reach_of_tracking_is_left_out(rig):
    numbers = [f"{n:022d}" for n in range(62)]

    reached = rig.carrier.track(numbers)

    assert list(reached) == numbers[:60]
    with pytest.raises(RateLimited):
        rig.carrier.track(numbers[60:])


class Noted:
    def __init__(self) -> None:
        self.rates: list[Any] = []

    def take(self, operation: str, units: float = 1.0) -> None:
        return None

    def learn(self, operation: str, rate: Any = None, left: float | None = None) -> None:
        self.rates.append((operation, rate and round(rate.per_s * 3600), left))

    def behind(self) -> "Noted":
        return self


@pytest.mark.parametrize(("hourly", "learned"), [(60, []), (300, [("oauth", 300, None), ("payments", 300, None)])])
def test_a_larger_quota_is_learned_once_where_the_operator_has_one(rig, hourly, learned):
    noted = Noted()
    kit = replace(rig.kit, budget=noted, settings={**rig.kit.settings, "calls_per_hour": hourly})
    carrier = UspsCarrier(kit, Client(kit))

    carrier.probe()
    carrier.probe()

    assert sorted(noted.rates) == learned


class Canned(BaseAdapter):
    """One answer to everything but tokens."""

    def __init__(self, status: int, body: bytes, **headers: str) -> None:
        super().__init__()
        self.said = (status, body, headers)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        answer = requests.Response()
        status, body, headers = self.said
        if (request.url or "").endswith("/token"):
            status, body, headers = 200, b'{"access_token": "t", "expires_in": "3600"}', {}
        answer.status_code, answer._content, answer.request, answer.url = status, body, request, request.url or ""
        answer.headers.update(headers)
        return answer

    def close(self) -> None:
        return None


def canned(rig: Rig, status: int, body: Any, **headers: str) -> UspsCarrier:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kit = replace(rig.kit, http=Http("USPS", Canned(status, raw, **headers)))
    return UspsCarrier(kit, Client(kit))


def refusal(code: str = "", detail: str = "", message: str = "no") -> dict[str, Any]:
    return {"apiVersion": "v3", "error": {"code": code, "message": message, "errors": [{"detail": detail}] if detail else []}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, refusal("403", "The MID of this parcel is not authorized."), Refused),
        (403, refusal("oauth.v2.InsufficientScope"), AccessLost),
        (401, refusal("401"), AccessLost),
        (429, refusal("429"), RateLimited),
        (503, refusal("503"), Unavailable),
        (500, b"<html>", Unavailable),
        (200, b"<html>", Unavailable),
        (200, b"[]", Unavailable),
        (302, b"", Unavailable),
    ],
)
def test_a_status_is_one_error(rig, status, body, error):
    with pytest.raises(error) as said:
        canned(rig, status, body).track(["9400100000000000000000"])

    assert type(said.value) is error


def test_a_parcel_that_may_not_be_looked_at_says_why(rig):
    with pytest.raises(Refused) as refused:
        canned(rig, 403, refusal("403", "The MID of this parcel is not authorized.")).track(["9400100000000000000000"])

    assert refused.value.words == "The MID of this parcel is not authorized."
    assert "MID" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 404])
def test_a_number_that_usps_does_not_know_has_no_steps(rig, status):
    assert canned(rig, status, refusal()).track(["1"])["1"].steps == ()


@pytest.mark.parametrize(
    ("status", "words"), [(400, "The label is being reviewed."), (403, "A refund request for this order cannot be submitted")]
)
def test_a_cancellation_that_is_refused_otherwise_is_for_a_person(rig, status, words):
    made = rig.carrier.buy(wish(), GROUND, KEY)
    carrier = canned(rig, status, refusal(str(status), words))
    carrier._client._payment = ("t", datetime(2027, 1, 1, tzinfo=UTC))

    with pytest.raises(Refused) as refused:
        carrier.void(made)

    assert refused.value.words == words


def test_a_429_empties_the_budget(rig):
    noted, carrier = Noted(), canned(rig, 429, refusal("429"))
    kit = replace(carrier._kit, budget=noted)

    with pytest.raises(RateLimited):
        UspsCarrier(kit, Client(kit)).track(["1"])

    assert noted.rates == [("tracking", None, 0.0)]


def test_a_wait_that_nobody_names_is_the_operators(rig):
    with pytest.raises(RateLimited) as limited:
        canned(rig, 429, refusal("429")).track(["1"])
    with pytest.raises(RateLimited) as told:
        canned(rig, 429, refusal("429"), **{"Retry-After": "17"}).track(["1"])

    assert (limited.value.wait_s, told.value.wait_s) == (300, 17)


@pytest.mark.parametrize("method", ["close", "pick_up", "leave"])
def test_an_answer_that_is_lost_leaves_the_outcome_unknown(rig, method):
    made, agreed = rig.carrier.buy(wish(), GROUND, KEY), rig.carrier.pick_up(replace(DRIVER, place=replace(SENDER, street1="1 Quay")), KEY)
    calls = {
        "close": ("createScanForm", lambda: rig.carrier.close([made], SENDER, KEY)),
        "pick_up": ("schedulePickup", lambda: rig.carrier.pick_up(DRIVER, KEY)),
        "leave": ("cancelPickup", lambda: rig.carrier.leave(agreed)),
    }
    operation, call = calls[method]
    rig.fail("cut_after", operation)

    with pytest.raises(OutcomeUnknown):
        call()


# ---- tracking


def test_every_code_we_know_has_a_meaning_and_the_rest_is_unknown():
    assert {normalize.STEPS[code] for code in ("GX", "03", "10", "OF", "16", "01", "02", "09")} == {
        Progress.LABELLED,
        Progress.PICKED_UP,
        Progress.IN_TRANSIT,
        Progress.OUT_FOR_DELIVERY,
        Progress.READY_FOR_PICKUP,
        Progress.DELIVERED,
        Progress.EXCEPTION,
        Progress.RETURNED,
    }
    assert Progress.UNKNOWN not in normalize.STEPS.values()


def test_a_parcel_tells_the_day_on_which_it_should_come(rig):
    made = rig.carrier.buy(wish(), PRIORITY, KEY)

    tracked = rig.carrier.track([made.master])[made.master]

    assert tracked.expected_on == made.arrives_on == date(2026, 11, 20)
    assert tracked.steps[0].at == rig.clock()


# ---- addresses


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        (AT_HOME, Verdict.GOOD),
        (replace(AT_HOME, street1="77 JUNIPER ST", city="austin"), Verdict.GOOD),
        (replace(AT_HOME, postcode=""), Verdict.CORRECTED),
        (replace(AT_HOME, street1="9 Tower Road", street2=""), Verdict.AMBIGUOUS),
        (replace(AT_HOME, street1="9 Several Road"), Verdict.AMBIGUOUS),
        (replace(AT_HOME, street1="9 Nowhere Road"), Verdict.UNKNOWN),
        (replace(AT_HOME, region="ZZ"), Verdict.UNKNOWN),
        (replace(AT_HOME, city="", postcode=""), Verdict.UNKNOWN),
    ],
)
def test_an_address_is_looked_up(rig, address, verdict):
    assert isinstance(rig.carrier, ChecksAddresses)

    checked = rig.carrier.check(address)

    assert checked.verdict is verdict
    assert all(better.name == AT_HOME.name and better.postcode[5:6] == "-" for better in checked.better)
    assert checked.words or verdict in (Verdict.GOOD, Verdict.CORRECTED)


@pytest.mark.parametrize(
    ("confirmed", "corrections", "verdict"),
    [("Y", {"32"}, Verdict.AMBIGUOUS), ("Y", {"22"}, Verdict.AMBIGUOUS), ("S", set(), Verdict.AMBIGUOUS), ("", set(), Verdict.GOOD)],
)
def test_codes_and_confirmations_each_say_that_something_is_missing(confirmed, corrections, verdict):
    assert normalize._verdict(confirmed, corrections, True) is verdict


def test_an_address_says_whether_somebody_lives_there(rig):
    assert rig.carrier.check(AT_HOME).residential is True
    assert rig.carrier.check(replace(AT_HOME, company="Gold Records")).residential is False


@pytest.mark.parametrize(("address", "verdict"), [(ABROAD, Verdict.UNCHECKED), (replace(AT_HOME, region=""), Verdict.UNKNOWN)])
def test_what_usps_cannot_be_asked_is_not_asked(rig, address, verdict):
    assert rig.carrier.check(address).verdict is verdict
    assert rig.world.log == []


# ---- end of day, pickup


def test_a_day_is_closed_with_a_form_and_then_its_labels_are_manifested(rig):
    assert isinstance(rig.carrier, ClosesDays)
    made = [rig.carrier.buy(wish(to), service, key) for to, service, key in ((AT_HOME, GROUND, KEY), (ABROAD, PRIORITY_ABROAD, OTHER))]

    closed = rig.carrier.close(made, SENDER, KEY)
    at_once = rig.carrier.void(made[0]).became
    rig.clock.forward(minutes=15)

    assert (len(closed.id), closed.papers[0].kind, closed.papers[0].content[:4]) == (22, "manifest", b"%PDF")
    assert (at_once, rig.carrier.void(made[1]).became) == (Voided.VOIDED, Voided.PENDING)


def test_a_label_stands_on_one_form(rig):
    made = rig.carrier.buy(wish(), GROUND, KEY)
    rig.carrier.close([made], SENDER, KEY)

    with pytest.raises(Refused) as refused:
        rig.carrier.close([made], SENDER, KEY)

    assert "already" in refused.value.words


def test_labels_of_several_days_go_on_a_form_of_the_last_one(rig):
    made = [rig.carrier.buy(replace(wish(), ship_on=date(2026, 11, day)), GROUND, f"{day:032x}") for day in (18, 19)]

    rig.carrier.close(made, SENDER, KEY)

    body = json.loads(json.loads(rig.recorder.getvalue().splitlines()[-1])["body"])
    assert (body["mailingDate"], body["overwriteMailingDate"]) == ("2026-11-19", True)


def test_a_driver_is_ordered_once_a_day_and_need_not_come(rig):
    assert isinstance(rig.carrier, PicksUp)
    agreed = rig.carrier.pick_up(DRIVER, KEY)
    with pytest.raises(Refused) as refused:
        rig.carrier.pick_up(DRIVER, KEY)

    rig.carrier.leave(agreed)
    rig.carrier.leave(agreed)

    assert (agreed.words, agreed.price) == ("2026-11-19", None)
    assert "already scheduled" in refused.value.words
    assert rig.carrier.pick_up(DRIVER, KEY).id != agreed.id


@pytest.mark.parametrize("day", [18, 22])
def test_no_driver_comes_today_or_on_a_sunday(rig, day):
    with pytest.raises(Refused):
        rig.carrier.pick_up(replace(DRIVER, ready=datetime(2026, 11, day, 9)), KEY)


def test_a_pickup_names_somebody_even_where_only_a_firm_is_known():
    body = render.pickup(DRIVER, MANIFEST.settings)

    assert (body["pickupAddress"]["firstName"], body["pickupAddress"]["lastName"]) == ("North Sea", "Trading")
    assert body["packages"] == [{"packageType": "OTHER", "packageCount": 3}]
    assert body["estimatedWeight"] == Decimal("8.8185")


# ---- USPS's own contract


def tour(rig: Rig) -> None:
    """Every call, with and without what it may carry."""
    carrier: Any = rig.carrier
    carrier.probe()
    for one in (
        wish(),
        wish(ABROAD),
        wish(ABROAD, customs=replace(DECLARED, duties=Duties.RECEIVER)),
        wish(signature=True, insured=Money(9900, "USD")),
    ):
        carrier.rates(one)
    home = carrier.buy(wish(signature=True, insured=Money(70_000, "USD")), GROUND, KEY)
    form = carrier.buy(wish(customs=replace(DECLARED, reason="loan"), label=LabelFormat.ZPL), PRIORITY, "a" * 32)
    away = carrier.buy(wish(ABROAD, insured=Money(3700, "USD")), PRIORITY_ABROAD, OTHER)
    carrier.papers(home, LabelFormat.PNG)
    carrier.papers(away, LabelFormat.PDF)
    rig.simulator.move(home.master, "pick_up", {"town": "Portland"})
    rig.simulator.move(away.master, "travel", {"town": "Leipzig", "country": "DE"})
    carrier.track([home.master, away.master])
    for address in (AT_HOME, replace(AT_HOME, street1="9 Tower Road", street2="")):
        carrier.check(address)
    carrier.close([home, form], SENDER, KEY)
    carrier.leave(carrier.pick_up(DRIVER, KEY))
    for made in (form, carrier.buy(wish(ABROAD), PRIORITY_ABROAD, "b" * 32)):
        carrier.void(made)


def test_a_tour_makes_every_call_of_the_manifest(rig):
    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)


def oracle() -> ModuleType:
    return load() or pytest.skip("the vendors' contracts are not here")


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_of_a_tour_holds_against_usps_own_contract(rig):
    module = oracle()

    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    found = {f"{name}: {text}" for name, texts in map(module.check, lines) for text in texts}
    assert found == set()


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_the_oracle_would_have_told(rig):
    module = oracle()
    rig.carrier.buy(wish(ABROAD), PRIORITY_ABROAD, KEY)
    line = json.loads(rig.recorder.getvalue().splitlines()[-1])
    body = json.loads(line["body"])

    for wrong in ({**body, "extra": 1}, {**body, "customsForm": {}}):
        assert module.check({**line, "body": json.dumps(wrong)})[1]
