"""Whom a demand means. Pure: a customer is known by the channel's number, by mail address or by telephone."""

from collections.abc import Iterator

from core.domain.order import Address, Person


def is_meant(person: Person, number: str, email: str, phone: str) -> bool:
    """Whether this buyer is the customer of a demand; what the demand does not tell meets nobody."""
    mails = {person.email, *(address.email for address in _addresses(person))}
    phones = {person.phone, *(address.phone for address in _addresses(person))}
    return (
        bool(number and person.channel_id == number)
        or bool(email and folded(email) in {folded(one) for one in mails})
        or bool(digits(phone) and digits(phone) in {digits(one) for one in phones})
    )


def _addresses(person: Person) -> Iterator[Address]:
    return filter(None, (person.ship_to, person.bill_to, person.final_ship_to))


def folded(text: str) -> str:
    return text.strip().casefold()


def digits(text: str) -> str:
    """A telephone number as it is dialled: eight digits at least, or it is none."""
    found = "".join(letter for letter in text if letter.isdigit()).lstrip("0")
    return found if len(found) >= 8 else ""
