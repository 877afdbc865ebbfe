"""What every carrier is held to, by being found: against its own simulator, without sockets."""

import json
from dataclasses import replace

import pytest

from connectors.simulation import Fault
from core.domain.shipping import Bought, Progress, Sought, Voided
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Reprints
from tests.contract.carriers import ABROAD, AT_HOME, CARRIERS, KEY, SENDER, Rig, wish

OTHER = KEY[::-1]
WORDS = [word for one in (SENDER, AT_HOME, ABROAD) for word in (one.name, one.street1, one.email, one.phone) if word]


KEYED = {name: one for name, one in CARRIERS.items() if one.carries.keyed}
PRINTING = {name: one for name, one in CARRIERS.items() if isinstance(Rig(one).carrier, Reprints)}


@pytest.fixture(params=CARRIERS.values(), ids=CARRIERS)
def rig(request):
    return Rig(request.param)


def first_offer(rig):
    """A wish that this carrier takes, and its cheapest service for it."""
    for one in (wish(), wish(ABROAD)):
        if quotes := rig.carrier.rates(one):
            return one, min(quotes, key=lambda quote: quote.price.minor).service
    raise AssertionError("it goes nowhere")


def bought(rig, key=KEY):
    one, service = first_offer(rig)
    made = rig.carrier.buy(one, service, key)
    return one, service, made


def operation_of(rig, method):
    """The operations that this port method called."""
    before = len(rig.calls())
    method()
    return rig.calls()[before:]


def the_purchase(rig):
    """The name of the one call that buys."""
    one, service = first_offer(rig)
    before = len(rig.simulator.parcels())
    names = operation_of(rig, lambda: rig.carrier.buy(one, service, "f" * 32))
    assert len(rig.simulator.parcels()) == before + 1
    return names[-1]


# ---- what it does


def test_the_account_is_called_something(rig):
    assert rig.carrier.probe()


def test_offers_have_a_price_in_one_currency_and_a_name(rig):
    one, _ = first_offer(rig)
    quotes = rig.carrier.rates(one)

    assert all(quote.price.minor > 0 and quote.name for quote in quotes)
    assert len({quote.price.currency for quote in quotes}) == 1
    assert len({quote.service for quote in quotes}) == len(quotes)


def test_an_offer_is_a_service_that_can_be_bought(rig):
    one, _ = first_offer(rig)

    for n, quote in enumerate(rig.carrier.rates(one)):
        rig.carrier.buy(one, quote.service, f"{n:032x}")

    assert len(rig.live()) == len(rig.carrier.rates(one))


def test_a_purchase_has_a_number_and_a_label_for_each_box(rig):
    one, service = first_offer(rig)
    boxes = min(2, rig.connector.carries.boxes)

    made = rig.carrier.buy(replace(one, boxes=one.boxes * boxes), service, KEY)

    assert (len(set(made.tracking)), len(made.labels)) == (boxes, boxes)
    assert all(label.content for label in made.labels)
    assert {parcel["tracking"] for parcel in rig.live()} == set(made.tracking)
    assert {parcel["key"] for parcel in rig.live()} == {KEY}


def test_a_label_comes_in_every_format_that_is_offered(rig):
    one, service = first_offer(rig)

    for n, how in enumerate(rig.connector.carries.formats):
        made = rig.carrier.buy(replace(one, label=how), service, f"{n:032x}")

        assert [label.format for label in made.labels] == [how]
        start = {"pdf": b"%PDF", "png": b"\x89PNG", "zpl": b"^XA"}[how]
        assert made.labels[0].content.startswith(start)


def test_what_it_weighs_is_never_rounded_down(rig):
    one, service = first_offer(rig)

    rig.carrier.buy(replace(one, boxes=(replace(one.boxes[0], weight_g=1501),)), service, KEY)

    assert rig.live()[0]["weight_g"] >= 1501


def test_what_goes_abroad_is_declared(rig):
    one = wish(ABROAD)
    quotes = rig.carrier.rates(one)

    made = rig.carrier.buy(one, quotes[0].service, KEY)

    assert made.tracking and rig.live()[0]["country"] == "DE"
    with pytest.raises((Refused, BadPayload)):
        rig.carrier.buy(replace(one, customs=None), quotes[0].service, OTHER)


def test_a_label_is_given_back_once_however_often_that_is_said(rig):
    _, _, made = bought(rig)

    answers = [rig.carrier.void(made).became for _ in range(2)]

    assert set(answers) <= {Voided.VOIDED, Voided.PENDING, Voided.UNUSED}
    if answers[0] is not Voided.UNUSED:
        assert rig.live() == []


def test_why_a_label_is_not_taken_back_is_told_in_the_carriers_own_words(rig):
    _, _, made = bought(rig)
    rig.simulator.move(made.master, "pick_up", {"town": "Austin", "country": "US"})
    rig.clock.forward(days=1)

    said = rig.carrier.void(made)

    assert said.became is Voided.REFUSED
    assert len(said.words) > 5 and "{" not in said.words
    assert said.words not in repr(said)


def test_a_parcel_is_followed_to_the_door(rig):
    _, _, made = bought(rig)
    before = rig.carrier.track([made.master])[made.master]

    for what in ("pick_up", "travel", "bring", "deliver"):
        rig.clock.forward(hours=7)
        rig.simulator.move(made.master, what, {"town": "Austin", "country": "US"})
    after = rig.carrier.track([made.master])[made.master]

    assert {step.progress for step in before.steps} <= {Progress.LABELLED}
    told = [step.progress for step in after.steps if step.progress is not Progress.LABELLED]
    assert told == [Progress.PICKED_UP, Progress.IN_TRANSIT, Progress.OUT_FOR_DELIVERY, Progress.DELIVERED]
    assert [step.at for step in after.steps] == sorted(step.at for step in after.steps)
    assert all(step.at.utcoffset().total_seconds() == 0 and step.code for step in after.steps)
    assert after.steps[-1].town


def test_a_parcel_that_nobody_took_in_and_one_that_comes_back_are_told(rig):
    _, _, made = bought(rig)

    for what in ("pick_up", "fail", "return"):
        rig.clock.forward(hours=3)
        rig.simulator.move(made.master, what, {})
    steps = rig.carrier.track([made.master])[made.master].steps

    assert [step.progress for step in steps][-2:] == [Progress.EXCEPTION, Progress.RETURNED]


def test_a_number_that_nobody_knows_has_no_steps(rig):
    _, _, made = bought(rig)
    stranger = made.master[:-1] + ("1" if made.master[-1] != "1" else "2")

    assert rig.carrier.track([stranger])[stranger].steps == ()


@pytest.mark.parametrize("rig", PRINTING.values(), ids=PRINTING, indirect=True)
def test_papers_can_be_had_again(rig):
    _, _, made = bought(rig)

    again = rig.carrier.papers(made, rig.connector.carries.formats[0])

    assert [paper.kind for paper in again][: len(made.tracking)] == ["label"] * len(made.tracking)
    assert len(rig.live()) == 1


# ---- what goes wrong


def test_a_purchase_whose_answer_is_lost_is_found_and_never_bought_twice(rig):
    name = the_purchase(rig)
    one, service = first_offer(rig)
    before = len(rig.simulator.parcels())
    rig.fail("cut_after", name)
    with pytest.raises(OutcomeUnknown):
        rig.carrier.buy(one, service, KEY)
    rig.clock.forward(seconds=rig.connector.carries.lookup_s + 1)

    found = rig.carrier.find(one, service, KEY)

    assert isinstance(found, Bought)
    assert found.tracking == tuple(parcel["tracking"] for parcel in rig.simulator.parcels()[before:])
    assert rig.carrier.void(found).became in (Voided.VOIDED, Voided.PENDING, Voided.UNUSED)


def test_a_purchase_that_never_arrived_is_absent_or_is_made_by_asking(rig):
    name = the_purchase(rig)
    one, service = first_offer(rig)
    before = len(rig.simulator.parcels())
    rig.fail("cut_before", name)
    with pytest.raises((OutcomeUnknown, Unavailable)):
        rig.carrier.buy(one, service, KEY)
    rig.clock.forward(seconds=rig.connector.carries.lookup_s + 1)

    found = rig.carrier.find(one, service, KEY)

    if rig.connector.carries.keyed:
        assert isinstance(found, Bought) and len(rig.simulator.parcels()) == before + 1
    else:
        assert found is Sought.ABSENT and len(rig.simulator.parcels()) == before


@pytest.mark.parametrize("rig", KEYED.values(), ids=KEYED, indirect=True)
def test_a_carrier_that_keeps_keys_buys_once_under_one(rig):
    one, service, made = bought(rig)

    again = rig.carrier.buy(one, service, KEY)

    assert again.tracking == made.tracking and len(rig.live()) == 1


@pytest.mark.parametrize("method", ["rates", "buy", "void", "track", "find"])
@pytest.mark.parametrize("kind", ["429", "500", "html", "cut_before", "slow"])
def test_whatever_goes_wrong_raises_the_one_error_for_it(rig, method, kind):
    one, service, made = bought(rig)
    calls = {
        "rates": lambda: rig.carrier.rates(one),
        "buy": lambda: rig.carrier.buy(one, service, OTHER),
        "void": lambda: rig.carrier.void(made),
        "track": lambda: rig.carrier.track([made.master]),
        "find": lambda: rig.carrier.find(one, service, OTHER),
    }
    changes = method in ("buy", "void") or (method == "find" and rig.connector.carries.keyed)
    names = operation_of(rig, calls[method])
    assert names
    rig.world.faults.clear()
    one, service, made = bought(rig, "e" * 32)
    wanted = {"429": RateLimited, "500": Unavailable, "html": Unavailable, "cut_before": Unavailable, "slow": Unavailable}[kind]
    if changes and kind != "429":
        wanted = (OutcomeUnknown, Unavailable) if method in ("find", "void") else OutcomeUnknown  # some void by looking

    for name in names[-1:]:
        rig.world.faults.clear()
        rig.fail(kind, name) if kind != "slow" else rig.world.faults.append(_slow(name))
        with pytest.raises(wanted):
            calls[method]()


def _slow(operation):
    return Fault("slow", operation, times=1, seconds=600.0)


def test_a_token_that_is_refused_is_renewed_once_and_then_access_is_lost(rig):
    one, _ = first_offer(rig)
    name = operation_of(rig, lambda: rig.carrier.rates(one))[-1]
    rig.fail("401", name, times=9)

    with pytest.raises(AccessLost):
        rig.carrier.rates(one)


def test_what_it_declines_says_why_in_its_own_words_and_not_in_ours(rig):
    one, service = first_offer(rig)
    heavy = replace(one, boxes=(replace(one.boxes[0], weight_g=900_000),))

    with pytest.raises(Refused) as refused:
        rig.carrier.buy(heavy, service, KEY)

    assert refused.value.words and refused.value.words not in str(refused.value)
    assert rig.live() == []


def test_an_address_without_a_place_is_declined(rig):
    one, service = first_offer(rig)

    with pytest.raises((Refused, BadPayload)):
        rig.carrier.buy(replace(one, to=replace(one.to, postcode="", city="")), service, KEY)

    assert rig.live() == []


def test_nothing_personal_and_no_secret_shows_in_an_error_or_in_print(rig, caplog):
    caplog.set_level(0)
    one, service, made = bought(rig)
    told = [repr(one), repr(made), repr(rig.kit), repr(rig.carrier.track([made.master]))]
    for kind in ("429", "500", "html", "cut_after", "401"):
        rig.world.faults.clear()
        rig.fail(kind, times=9)
        with pytest.raises(HubError) as error:
            rig.carrier.buy(one, service, OTHER)
        told += [str(error.value), repr(error.value)]
    text = " ".join([*told, caplog.text])

    said, open_ = {**rig.kit.app, **rig.kit.login}, {one.name for one in (*rig.connector.app, *rig.connector.login) if not one.secret}
    secrets = [value for name, value in said.items() if name not in open_ and len(value) > 5]
    assert [word for word in (*WORDS, *secrets) if word in text] == []


def test_what_the_simulator_knows_survives_a_restart(rig):
    _, _, made = bought(rig)

    assert json.loads(json.dumps(rig.simulator.state)) == rig.simulator.state
    assert made.master in json.dumps(rig.simulator.state)


def test_the_manifest_names_what_it_needs(rig):
    one = rig.connector

    assert one.carrier and one.services and one.label and one.simulator
    assert set(rig.budget.taken) <= set(one.rates) or not rig.budget.taken
    assert one.tracking_url and "123" in one.tracking_url("123")
