"""The way out for letters: mail by SMTP or into a folder, and calls of programs that members named."""

import contextlib
import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from core.errors import OutcomeUnknown, Refused, Unavailable
from core.ports import Letter

PATIENCE_S = 15.0
KEPT, SENT = "kept", "sent"


@dataclass(frozen=True)
class Mailroom:
    """`url` is smtp://, smtps:// or file://, or "" where letters are only kept; `sender` stands in From. `open_doors`: this hub rehearses
    on one machine, and may call programs there."""

    url: str
    sender: str
    open_doors: bool = False

    def mail(self, letter: Letter) -> str:
        """By SMTP, or as a file of its id: written again it is the same file."""
        if not self.url:
            return KEPT
        if self.url.startswith("file:"):
            return self._file(letter)
        with _judged(), self._server() as server:
            server.send_message(self._message(letter))
        return SENT

    def _file(self, letter: Letter) -> str:
        folder = Path(unquote(urlsplit(self.url).path))
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{letter.id}"
        part.write_bytes(bytes(self._message(letter)))
        part.replace(folder / f"{letter.id}.eml")
        return SENT

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = _from(self.sender, letter.from_name), letter.to
        if letter.answer_to:
            message["Reply-To"] = letter.answer_to
        message["Subject"] = _line(letter.title)
        message["Date"], message["Message-ID"] = format_datetime(letter.at), f"<{letter.id}@crossdock>"
        message["Auto-Submitted"] = "auto-generated"  # nobody on holiday answers it (RFC 3834)
        message.set_content(letter.body, cte="quoted-printable")  # every server takes that
        if letter.page:
            message.add_alternative(letter.page, subtype="html", cte="quoted-printable")
        for one in letter.files:
            main, _, sub = one.kind.partition("/")
            message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
        return message

    @contextlib.contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        said = urlsplit(self.url)
        host, secure = said.hostname or "", ssl.create_default_context()
        if said.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, said.port or 465, timeout=PATIENCE_S, context=secure)
        else:
            server = smtplib.SMTP(host, said.port or 587, timeout=PATIENCE_S)
        with server:
            server.ehlo_or_helo_if_needed()
            if said.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=secure)
            elif said.scheme == "smtp" and said.username:
                raise Refused("the mail server offers no encryption: the password is not told to it")
            if said.username:
                server.login(unquote(said.username), unquote(said.password or ""))
            yield server

    def call(self, letter: Letter) -> str:
        """POST it as JSON; `text` is what chat programs show. Its address is looked at each time: it must be out in the world."""
        if why := self._shut(letter.to):
            raise Refused(why)
        body = {"id": letter.id, "title": letter.title, "text": f"{letter.title}\n\n{letter.body}", "at": letter.at.isoformat()}
        try:
            answer = requests.post(
                letter.to, json=body, headers={"webhook-id": letter.id}, timeout=PATIENCE_S, allow_redirects=False, stream=True
            )
        except requests.ConnectionError:
            raise Unavailable("the program that was named does not answer") from None
        except requests.RequestException:
            raise OutcomeUnknown("the program that was named did not answer in time") from None
        with answer:
            return _called(answer.status_code)

    def _shut(self, url: str) -> str:
        """Why this address is not called; "" where it may be."""
        said = urlsplit(url)
        if said.scheme != "https" and not (self.open_doors and said.scheme == "http"):
            return "it must be an https address"
        try:
            found = socket.getaddrinfo(said.hostname, said.port or 443, type=socket.SOCK_STREAM)
        except OSError:
            return "nobody knows its name"
        here = [one for *_, one in found if not ipaddress.ip_address(one[0]).is_global]
        return "it is not out in the world" if here and not self.open_doors else ""


def _line(text: str) -> str:
    """On one line: a header ends where a line does."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _from(sender: str, name: str) -> str:
    """Our address, under the name of whom it is sent for."""
    return formataddr((_line(name), parseaddr(sender)[1])) if name else sender


def _called(status: int) -> str:
    if status < 300:
        return SENT
    if status == 429 or status >= 500:
        raise Unavailable("the program that was named is busy", status=status)
    raise Refused("the program that was named declined", status=status)


@contextlib.contextmanager
def _judged() -> Iterator[None]:
    """What a mail server says, as our errors: after it took a letter nobody knows whether it has it."""
    try:
        yield
    except smtplib.SMTPServerDisconnected:
        raise OutcomeUnknown("the mail server went away") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise (Unavailable if max(codes) < 500 else Refused)("the mail server does not take it to that address") from None
    except smtplib.SMTPResponseException as error:
        raise (Unavailable if error.smtp_code < 500 else Refused)("the mail server declined", code=error.smtp_code) from None
    except (smtplib.SMTPException, ssl.SSLError) as error:
        raise Refused(f"the mail server cannot be used: {type(error).__name__}") from None
    except OSError:
        raise Unavailable("the mail server does not answer") from None
