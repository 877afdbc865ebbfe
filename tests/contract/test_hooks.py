"""The way out to merchants' programs: to public addresses alone, to the one that was checked, without redirects, and never for long."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.hooks import Poster, is_public
from core.ports import Heard

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def receiver(answer: Callable[[socket.socket], None], secured: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A server on this machine that answers each caller so; gives its port and what it heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(5)
        thread = threading.Thread(target=_serve, args=(door, answer, secured, heard), daemon=True)
        thread.start()
        yield door.getsockname()[1], heard
        door.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _serve(door: socket.socket, answer: Callable[[socket.socket], None], secured: ssl.SSLContext | None, heard: list[bytes]) -> None:
    try:
        while True:
            line, _ = door.accept()
            with line:
                try:
                    line.settimeout(5)
                    spoken = secured.wrap_socket(line, server_side=True) if secured else line
                    while said := _request(spoken):
                        heard.append(said)
                        answer(spoken)
                        if answer not in STAYING:
                            break
                    spoken.close()
                except OSError:
                    pass
    except OSError:
        return


def _request(line: socket.socket) -> bytes:
    """Head and body of one request."""
    said = b""
    while b"\r\n\r\n" not in said:
        if not (more := line.recv(65536)):
            return b""
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    length = next((int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def says(raw: bytes) -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(raw)


def post(poster: Poster, url: str, headers: dict[str, str] | None = None, body: bytes = b"{}") -> Heard:
    """One message, and nothing more for now."""
    try:
        return poster.post(url, headers or {}, body)
    finally:
        poster.done()


def resolved(*addresses: str) -> Callable[..., list[Any]]:
    """A resolver that knows one answer; who asked is kept in its `asked`."""

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        resolve.asked.append(host)  # type: ignore[attr-defined]
        return [(0, 0, 0, "", (one, port)) for one in addresses]

    resolve.asked = []  # type: ignore[attr-defined]
    return resolve


def test_a_message_arrives_with_its_headers_and_body_as_they_were_signed() -> None:
    with receiver(says(OK)) as (port, heard):
        answer = post(Poster(private=True), f"http://127.0.0.1:{port}/in?a=1", {"webhook-id": "evt_1"}, b'{"a":1}')

    assert (answer.status, answer.words) == (204, "")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /in?a=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{port}".encode() in head
    assert b"webhook-id: evt_1" in head
    assert body == b'{"a":1}'


ODD_ANSWERS: dict[str, tuple[bytes, int | None, str]] = {
    "fails": (b"HTTP/1.1 500 Oops\r\nContent-Length: 6\r\n\r\nsecret", 500, "it did not take it"),
    "sends elsewhere": (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\n\r\n", 302, "redirects are not followed"),
    "keeps the method": (b"HTTP/1.1 308 There\r\nLocation: https://other.example/\r\n\r\n", 308, "redirects are not followed"),
    "hangs up": (b"", None, "no connection"),
    "talks nonsense": (b"SSH-2.0-OpenSSH_9.2\r\n", None, "no connection"),
    "is cut off": (b"HTTP/1.1 2", None, "no connection"),
    "shouts": (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n", None, "no connection"),
}


def test_whatever_it_answers_is_a_status_or_words_of_ours_and_nothing_of_its_body() -> None:
    for name, (raw, status, words) in ODD_ANSWERS.items():
        with receiver(says(raw)) as (port, heard):
            answer = post(Poster(private=True), f"http://127.0.0.1:{port}/")

        assert (answer.status, answer.words.startswith(words)) == (status, True), (name, answer)
        assert len(heard) == 1, name
        assert "secret" not in repr(answer)


@pytest.mark.parametrize(("told", "wait_s"), [("120", 120.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("-1", 0.0), ("9" * 30, 0.0)])
def test_it_may_ask_us_to_wait(told: str, wait_s: float) -> None:
    with receiver(says(f"HTTP/1.1 429 Slow\r\nRetry-After: {told}\r\n\r\n".encode())) as (port, _):
        answer = post(Poster(private=True), f"http://127.0.0.1:{port}/")

    assert (answer.status, answer.wait_s) == (429, wait_s)


def test_whoever_drips_an_answer_does_not_hold_us() -> None:
    over = threading.Event()

    def drip(line: socket.socket) -> None:
        while not over.wait(0.02):
            line.sendall(b"H")

    with receiver(drip) as (port, _):
        answer = post(Poster(private=True, whole_s=0.2), f"http://127.0.0.1:{port}/")
        over.set()

    assert (answer.status, answer.words) == (None, "it did not answer in time")


STAYING: list[Callable[[socket.socket], None]] = []


def test_a_line_is_used_again_and_another_made_where_they_hung_up() -> None:
    lines: set[int] = set()

    def stay(line: socket.socket) -> None:
        lines.add(line.fileno())
        hangs_up = poster.hung_up  # type: ignore[attr-defined]
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if hangs_up:
            line.shutdown(socket.SHUT_RDWR)

    poster = Poster(private=True, resolve=(resolve := resolved("127.0.0.1")))
    STAYING.append(stay)
    with receiver(stay) as (port, heard):
        for hung_up in (False, False, True, False):
            poster.hung_up = hung_up  # type: ignore[attr-defined]
            assert poster.post(f"http://localhost:{port}/", {}, b"{}").status == 200
        poster.done()

    assert len(heard) == 4
    assert resolve.asked == ["localhost"] * 2  # type: ignore[attr-defined]


def test_nobody_there_is_words_of_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

    assert post(Poster(private=True), f"http://127.0.0.1:{port}/").words == "no connection (ConnectionRefusedError)"


# ---- whom we do not call

PRIVATE = """
127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.7 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.1 192.0.2.1 198.18.0.1
198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 fe80::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 100::1
::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:10.0.0.1 2002:7f00:1:: 2002:a9fe:a9fe:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2001:0:7f00:1::
"""


def test_what_is_not_on_the_public_internet_is_told_from_what_is() -> None:
    assert [one for one in PRIVATE.split() if is_public(ipaddress.ip_address(one))] == []
    assert all(
        is_public(ipaddress.ip_address(one)) for one in ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::")
    )


def test_a_name_that_leads_to_a_private_address_is_not_called() -> None:
    for address in PRIVATE.split():
        answer = post(Poster(resolve=resolved(address)), "https://till.example/")
        assert (answer.status, answer.words) == (None, "it is not on the public internet"), address


def test_a_name_that_leads_to_a_public_and_a_private_address_is_not_called() -> None:
    answer = post(Poster(resolve=resolved("8.8.8.8", "10.0.0.1")), "https://till.example/")

    assert (answer.status, answer.words) == (None, "it is not on the public internet")


def test_a_name_is_resolved_once_and_that_address_is_called() -> None:
    """A name that leads elsewhere when it is asked for again has nothing from it."""
    with receiver(says(OK)) as (port, heard):
        resolve = resolved("127.0.0.1")
        answer = post(Poster(private=True, resolve=resolve), f"http://localhost:{port}/")

    assert (answer.status, len(heard)) == (204, 1)
    assert resolve.asked == ["localhost"]  # type: ignore[attr-defined]


def test_a_name_that_nobody_knows_is_words_of_ours() -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    assert post(Poster(resolve=resolve), "https://till.example/").words == "its name is not known"
    assert post(Poster(resolve=resolved()), "https://till.example/").words == "its name is not known"


REFUSED = """
http://till.example/ http://127.0.0.1/ https://127.0.0.1/ https://10.0.0.1/ https://[::1]/ https://[fe80::1]/ https://169.254.169.254/latest/
https://[::ffff:169.254.169.254]/ ftp://till.example/ file:///etc/passwd gopher://till.example/ https:///nowhere https:// //till.example/
till.example https://user@till.example/ https://user:word@till.example/ https://till.example/#here https://till.example:0/ https://till.example:99999/
https://till.example\\@10.0.0.1/ https://tïll.example/ https://till.example:port/ javascript:alert(1) https://[::1
"""


def test_an_address_that_cannot_be_called_is_refused_when_it_is_named() -> None:
    poster = Poster()

    assert [url for url in REFUSED.split() if not poster.refuses(url)] == []
    assert poster.refuses("https://till.example/ in") != ""
    assert poster.refuses("https://till.example/\r\nX: y") != ""
    assert poster.refuses("https://till.example/" + "x" * 2000) != ""
    assert [poster.refuses(url) for url in ("https://till.example", "https://till.example:8443/in?a=b", "https://8.8.8.8/")] == [""] * 3


def test_whoever_allows_it_may_call_this_machine_without_tls_and_nobody_else() -> None:
    poster = Poster(private=True)

    assert [poster.refuses(url) for url in ("http://127.0.0.1:9/", "http://localhost/", "http://[::1]/", "https://10.0.0.1/")] == [""] * 4
    assert poster.refuses("http://10.0.0.1/") == poster.refuses("http://till.example/") == "only https addresses are called"


# ---- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of till.example, vouched for by itself, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "till.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("till.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "till.pem"
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_must_be_for_the_name_and_vouched_for(certificate: Path) -> None:
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate)
    trusts = ssl.create_default_context(cafile=str(certificate))
    with receiver(says(OK), secured) as (port, heard):
        knows = Poster(private=True, resolve=resolved("127.0.0.1"), trusts=trusts)
        right = post(knows, f"https://till.example:{port}/")
        other_name = post(knows, f"https://other.example:{port}/")
        stranger = post(Poster(private=True, resolve=resolved("127.0.0.1")), f"https://till.example:{port}/")

    assert right.status == 204
    assert (other_name.status, stranger.status, len(heard)) == (None, None, 1)
    assert {other_name.words, stranger.words} == {"its certificate is not for that name, or nobody vouches for it"}
