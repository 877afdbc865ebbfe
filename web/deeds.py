"""What somebody did to orders, said in a sentence."""

from flask_babel import gettext, ngettext

from core.domain.acts import Act
from core.store.acts import Deed


def said(deed: Deed) -> str:
    """How far it came, while it goes on; then what it changed, and how many orders had nothing to change."""
    if deed.ended_at is None:
        return str(gettext("%(done)s of %(all)s orders are done.", done=deed.done, all=len(deed.orders)))
    rest = len(deed.orders) - len(deed.changed)
    if not rest:
        return _changed(deed)
    return f"{_changed(deed)} {ngettext('%(num)s had nothing to change.', '%(num)s had nothing to change.', rest)}"


def _changed(deed: Deed) -> str:
    number = len(deed.changed)
    match deed.act:
        case Act.HOLD:
            words = ngettext("%(num)s order is held. It stays reserved.", "%(num)s orders are held. They stay reserved.", number)
        case Act.RELEASE:
            words = ngettext("%(num)s order was let go.", "%(num)s orders were let go.", number)
        case Act.NOTE:
            words = ngettext("The note is on %(num)s order.", "The note is on %(num)s orders.", number)
        case Act.TAG:
            words = ngettext("%(num)s order was tagged %(tag)s.", "%(num)s orders were tagged %(tag)s.", number, tag=deed.detail)
        case Act.UNTAG:
            words = ngettext("%(num)s order lost the tag %(tag)s.", "%(num)s orders lost the tag %(tag)s.", number, tag=deed.detail)
    return str(words)
