"""What staff do to orders, one or many at once, and how each is taken back. Pure."""

import re
from collections.abc import Mapping
from enum import StrEnum

MOST = 10_000  # orders of one act
AT_ONCE = 200  # so many are done while somebody waits; more by a task, in steps as long
LONGEST_TAG, LONGEST_NOTE = 40, 4_000


class Act(StrEnum):
    HOLD = "hold"
    RELEASE = "release"
    NOTE = "note"
    TAG = "tag"
    UNTAG = "untag"


UNDOES: Mapping[Act, Act] = {Act.HOLD: Act.RELEASE, Act.RELEASE: Act.HOLD, Act.TAG: Act.UNTAG, Act.UNTAG: Act.TAG}
SEPARATORS = re.compile(r"[\s,]+")


def tag(text: str) -> str:
    """A tag as it is kept: small letters, no commas, one blank between words. Raises ValueError for none, too long a one, or signs that
    cannot be printed."""
    said = SEPARATORS.sub(" ", text).strip().casefold()
    if not 0 < len(said) <= LONGEST_TAG or not said.isprintable():
        raise ValueError("not a tag")
    return said


def note(text: str) -> str:
    """A note as it is kept: its lines may stay. Raises ValueError for none, too long a one, or signs that cannot be printed."""
    said = text.replace("\r\n", "\n").strip()
    if not 0 < len(said) <= LONGEST_NOTE or not said.replace("\n", " ").replace("\t", " ").isprintable():
        raise ValueError("not a note")
    return said
