"""The one way out: each way in which a call can go wrong raises its one error, and none of them repeats what was said."""

import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from werkzeug.wrappers import Request, Response

from connectors.http import DAY_S, Http, as_datetime, ident, json_of, read_json, retry_after, write_json
from connectors.simulation import InProcess
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable

URL = "https://shop.example/orders/1?token=hush"
WORDS = "Ada Lovelace's card was declined, token shpat_hush"
READ, WRITE = False, True


class Raises(BaseAdapter):
    """A transport that fails in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, *_: object, **__: object) -> requests.Response:
        raise self.error

    def close(self) -> None:
        """Nothing is open."""


def answering(status: int, text: str = WORDS, **headers: str) -> Http:
    """A way out to a system that always says the same."""
    answer = Response(text, status, {name.replace("_", "-"): value for name, value in headers.items()})
    return Http("Vendor", InProcess(answer))


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (301, Unavailable, OutcomeUnknown),
        (304, Unavailable, OutcomeUnknown),
        (400, Refused, Refused),
        (401, AccessLost, AccessLost),
        (402, Refused, Refused),
        (403, Refused, Refused),
        (404, Refused, Refused),
        (408, Unavailable, OutcomeUnknown),
        (409, Refused, Refused),
        (410, Refused, Refused),
        (422, Refused, Refused),
        (429, RateLimited, RateLimited),
        (500, Unavailable, OutcomeUnknown),
        (502, Unavailable, OutcomeUnknown),
        (503, Unavailable, OutcomeUnknown),
        (504, Unavailable, OutcomeUnknown),
    ],
)
def test_each_status_raises_its_one_error(status, reading, writing):
    for changes, error in ((READ, reading), (WRITE, writing)):
        with pytest.raises(HubError) as raised:
            answering(status).call("GET", URL, changes=changes)

        assert type(raised.value) is error
        assert raised.value.facts["status"] == status


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_call_that_worked_gives_its_answer(status):
    assert answering(status, "").call("POST", URL, changes=True).status_code == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500])
def test_no_error_repeats_their_words_or_the_query(status):
    with pytest.raises(HubError) as raised:
        answering(status, x_request_id="req-7").call("GET", URL, changes=False)

    for said in (str(raised.value), repr(raised.value)):
        assert "req-7" in said
        assert "/orders/1" in said
        assert not [word for word in ("Ada", "hush", "token", "declined") if word in said]


def test_their_words_are_kept_for_whoever_may_read_them():
    with pytest.raises(Refused) as raised:
        answering(422, "x" * 2000).call("POST", URL, changes=True)

    assert raised.value.words == "x" * 500


def test_an_error_survives_being_stored_and_read_again():
    error = pickle.loads(pickle.dumps(RateLimited("slow down", wait_s=2.5, operation="orders", words="hush")))

    assert (type(error), error.wait_s, error.words, str(error)) == (RateLimited, 2.5, "hush", "slow down (wait_s=2.5 operation=orders)")


# ---- slow down


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [("7", 7.0), ("0.5", 0.5), ("0", 0.0), ("-3", 0.0), ("", 2.0), ("soon", 2.0), ("nan", 0.0), ("inf", DAY_S), ("1e400", DAY_S)],
)
def test_retry_after_is_read_in_seconds(said, wait_s):
    with pytest.raises(RateLimited) as raised:
        answering(429, Retry_After=said).call("GET", URL, changes=False)

    assert raised.value.wait_s == wait_s


def test_retry_after_is_read_as_a_date():
    answer = requests.Response()
    answer.headers["Retry-After"] = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    assert 3500 < retry_after(answer, 2.0) <= 3600


@pytest.mark.parametrize("said", ["Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_far_away_is_a_wait_that_one_can_wait(said):
    answer = requests.Response()
    answer.headers["Retry-After"] = said

    assert 0 <= retry_after(answer, 2.0) <= DAY_S


@settings(max_examples=40)
@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40))
def test_whatever_retry_after_says_the_wait_is_a_time(said):
    answer = requests.Response()
    answer.headers["Retry-After"] = said

    assert 0 <= retry_after(answer, 2.0) <= DAY_S


# ---- no answer


@pytest.mark.parametrize(
    ("error", "writing"),
    [
        (requests.ConnectTimeout("x"), Unavailable),
        (requests.exceptions.InvalidURL("x"), Unavailable),
        (requests.exceptions.InvalidSchema("x"), Unavailable),
        (requests.exceptions.MissingSchema("x"), Unavailable),
        (requests.ReadTimeout("x"), OutcomeUnknown),
        (requests.ConnectionError("x"), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError("x"), OutcomeUnknown),
        (requests.exceptions.SSLError("x"), OutcomeUnknown),
        (requests.exceptions.ContentDecodingError("x"), OutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_write_is_uncertain_only_where_it_may_have_left(error, writing):
    http = Http("Vendor", Raises(error))

    with pytest.raises(Unavailable):
        http.call("GET", URL, changes=False)
    with pytest.raises(HubError) as raised:
        http.call("POST", URL, changes=True)
    assert type(raised.value) is writing
    assert "hush" not in str(raised.value)


def test_a_closed_door_means_that_nothing_was_sent(real):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unavailable):
        real.call("POST", f"http://127.0.0.1:{port}/", changes=True)


@pytest.mark.parametrize(("changes", "error"), [(READ, Unavailable), (WRITE, OutcomeUnknown)])
def test_a_connection_that_ends_after_sending_leaves_a_write_uncertain(real, changes, error):
    with hanging_up() as url, pytest.raises(error):
        real.call("POST", url, changes=changes, data=b"{}")


@pytest.mark.parametrize(("changes", "error"), [(READ, Unavailable), (WRITE, OutcomeUnknown)])
def test_an_answer_that_never_comes_leaves_a_write_uncertain(real, changes, error):
    with closing(socket.create_server(("127.0.0.1", 0))) as server, pytest.raises(error):
        real.call("POST", f"http://127.0.0.1:{server.getsockname()[1]}/", changes=changes, data=b"{}", timeout=(1.0, 0.05))


@pytest.fixture
def real():
    """A way out over real sockets."""
    http = Http("Vendor")
    yield http
    http.session.close()


@contextmanager
def hanging_up() -> Iterator[str]:
    """A server that reads a request and goes away."""

    def serve() -> None:
        with server.accept()[0] as connection:
            connection.recv(65536)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


# ---- what comes back


@pytest.mark.parametrize("body", ["<html>Service Unavailable</html>", "", "{", "\x00", '{"a":NaN}', "[" * 100_000])
@pytest.mark.parametrize(("changes", "error"), [(READ, Unavailable), (WRITE, OutcomeUnknown)])
def test_an_answer_that_is_no_json_is_no_answer(body, changes, error):
    answer = answering(200, body).call("POST", URL, changes=changes)

    with pytest.raises(error) as raised:
        json_of(answer, "Vendor", changes=changes)

    assert "html" not in str(raised.value)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"NaN", b"Infinity", b"[1,]", b"[" * 100_000, b'{"a":' * 50_000, '"\ud800"'])
def test_what_is_no_json_is_a_bad_payload(raw):
    with pytest.raises(BadPayload):
        read_json(raw)


def test_a_fraction_is_read_as_it_stands_there():
    read = read_json(b'{"a": 0.1, "b": 1e2, "c": 12, "d": [3.00]}')

    assert read == {"a": Decimal("0.1"), "b": Decimal("1e2"), "c": 12, "d": [Decimal("3.00")]}
    assert str(read["d"][0]) == "3.00"
    assert type(read["c"]) is int


@settings(max_examples=20)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.decimals(allow_nan=False, allow_infinity=False), st.lists
    )
)
def test_what_we_write_reads_back_the_same(value):
    assert read_json(write_json(value)) == value


def test_times_are_read_with_their_zone():
    assert as_datetime("2026-03-01T13:30:00+01:00") == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert as_datetime("2026-03-01T12:30:00.123Z").tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-01T12:30:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_time_without_a_zone_or_sense_is_refused(text):
    with pytest.raises(ValueError):
        as_datetime(text)


@pytest.mark.parametrize("value", [None, 7, True, [], b"2026-03-01T12:30:00Z"])
def test_only_text_is_a_time(value):
    with pytest.raises(TypeError):
        as_datetime(value)


def test_an_id_is_text_or_a_whole_number():
    assert (ident("7"), ident(7), ident(None)) == ("7", "7", None)

    for value in (True, Decimal("7"), 7.0, [], {}):
        with pytest.raises(TypeError):
            ident(value)


# ---- nothing is kept between calls


def test_no_cookie_of_one_call_travels_with_the_next():
    seen = []

    def vendor(environ, start_response):
        seen.append(Request(environ).cookies.get("session"))
        return Response("{}", headers={"Set-Cookie": "session=hush; Path=/"})(environ, start_response)

    http = Http("Vendor", InProcess(vendor))
    http.call("GET", URL, changes=False)
    http.call("GET", URL, changes=False)

    assert seen == [None, None]


@pytest.mark.parametrize("following", [True, False])
def test_no_redirect_is_followed_even_by_those_who_would(following):
    http = answering(302, Location="https://elsewhere.example/")

    assert http.send("GET", URL, changes=False).status_code == 302
    assert http.session.get(URL, allow_redirects=following).url == URL


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    settings_used = Http("Vendor").session.merge_environment_settings(URL, {}, None, None, None)

    assert not settings_used["proxies"]
