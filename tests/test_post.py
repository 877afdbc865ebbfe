"""The way out for letters: what a mail server or a program says becomes one of our errors, and nobody is written to twice by name."""

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

import pytest

from config.post import Mailroom
from config.settings import BadSettings, load
from config.wiring import translate
from core.errors import HubError, OutcomeUnknown, Refused, Unavailable
from core.ports import Attachment, Letter
from tests.smtp import Sink, sink

LETTER = Letter("id-1", "ana@north.example", "North Sea: a title", "Grüße.\n", datetime(2026, 11, 22, 8, tzinfo=UTC))


def test_a_letter_is_taken_with_its_own_name(tmp_path: Path) -> None:
    with sink() as server:
        assert Mailroom(server.address, "hub@north.example").mail(LETTER) == "sent"

    [(to, text)] = server.letters
    message = email.message_from_string(text)
    assert (to, message["Message-ID"], message["From"]) == ("ana@north.example", "<id-1@crossdock>", "hub@north.example")
    assert message.get_payload(decode=True).decode() == "Grüße."


def test_a_letter_to_a_buyer_comes_from_the_shop_and_is_answered_to_it() -> None:
    letter = replace(
        LETTER, title="A\r\nBcc: x@y.example", page="<p>Grüße</p>", answer_to="shop@north.example", from_name="North\r\nBcc: x"
    )
    with sink() as server:
        Mailroom(server.address, "Hub <hub@north.example>").mail(letter)

    [(to, text)] = server.letters
    message = email.message_from_string(text)
    assert (to, message["Reply-To"], message["Bcc"]) == ("ana@north.example", "shop@north.example", None)
    assert parseaddr(message["From"])[1] == "hub@north.example"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_files_go_with_a_letter(tmp_path: Path) -> None:
    files = (Attachment("S1.pdf", "application/pdf", b"%PDF-"), Attachment("S1.csv", "text/csv", "sku\r\nGrün\r\n".encode()))
    with sink() as server:
        Mailroom(server.address, "hub@north.example").mail(replace(LETTER, files=files))

    [(_, text)] = server.letters
    first, *rest = email.message_from_string(text).get_payload()
    assert first.get_payload(decode=True).decode().strip() == "Grüße."
    assert [(one.get_filename(), one.get_content_type(), one.get_payload(decode=True)) for one in rest] == [
        (one.name, one.kind, one.content) for one in files
    ]


def _broken(server: Sink, how: str) -> str:
    match how:
        case "refuses for good":
            server.refuses = "550 no such person"
        case "refuses for now":
            server.refuses = "450 later"
        case "hangs up":
            server.hangs_up_after_data = True
        case "is away":
            return "smtp://127.0.0.1:1"
        case "would hear a password":
            return server.address.replace("smtp://", "smtp://ana:secret@")
    return server.address


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("refuses for good", Refused), ("refuses for now", Unavailable), ("hangs up", OutcomeUnknown), ("is away", Unavailable),
        ("would hear a password", Refused),
    ],
)  # fmt: skip
def test_what_a_mail_server_does_is_one_of_our_errors(how: str, error: type[HubError]) -> None:
    with sink() as server:
        with pytest.raises(error) as caught:
            Mailroom(_broken(server, how), "hub@north.example").mail(LETTER)

    assert "secret" not in str(caught.value)


def test_into_a_folder_the_same_letter_is_one_file(tmp_path: Path) -> None:
    room = Mailroom(f"file://{tmp_path}/mail", "hub@north.example")
    for _ in range(2):
        assert room.mail(LETTER) == "sent"

    [file] = (tmp_path / "mail").iterdir()
    assert file.name == "id-1.eml"


def test_without_a_way_out_letters_are_kept() -> None:
    assert Mailroom("", "hub@north.example").mail(LETTER) == "kept"


def test_no_title_smuggles_a_header_in() -> None:
    wild = Letter("id-2", "ana@north.example", "a\r\nBcc: eve@evil.example", "x", LETTER.at)
    with sink() as server:
        Mailroom(server.address, "hub@north.example").mail(wild)

    assert [to for to, _ in server.letters] == ["ana@north.example"]
    assert email.message_from_string(server.letters[0][1])["Bcc"] is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "https://[::1]/", "https://10.0.0.8/", "ftp://x.example/", "https:///"]
)
def test_what_is_not_out_in_the_world_is_not_called(url: str) -> None:
    with pytest.raises(Refused):
        Mailroom("", "hub@north.example").call(Letter("id", url, "t", "b", LETTER.at))


def test_a_rehearsal_may_call_this_machine() -> None:
    with pytest.raises(Unavailable):
        Mailroom("", "hub@north.example", open_doors=True).call(Letter("id", "http://127.0.0.1:1/", "t", "b", LETTER.at))


@pytest.mark.parametrize("url", ["ftp://x", "mail.example", "file://relative"])
def test_a_way_out_that_nobody_knows_ends_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSettings, match="smtp_url"):
        load({"home": tmp_path}, {"CROSSDOCK_SMTP_URL": url})


def test_what_nobody_translated_is_said_as_it_is() -> None:
    assert translate("xx", "An order must leave soon") == translate("", "An order must leave soon") == "An order must leave soon"
