"""A carrier's bill as a document of a ledger, with the tax that it charges. Pure.

Postage is an expense owed to its carrier since its labels were bought, tax and all, and the bill pays that off. Where the merchant said
which tax code of purchases a carrier's services have, the bill holds its tax by that code, and takes it off the account on which taxes
of fees were booked:

| treatment | code | lines |
|---|---|---|
| charged | one with a rate | what bears tax, with the tax as billed; the rest, and the tax that was booked already, without |
| reverse charge | one of reverse charge | all services, without tax: the ledger reckons both sides |
| none | no code | what is owed, in one line |

Duties bear no tax of the carrier's, and tax beside a duty is the state's: both stay without.
"""

from collections.abc import Iterable, Sequence

from core.domain.billing import Bill, BillLine, What, plain
from core.domain.coding import AccountOf, Chart, Coder, Off, Unmapped, limit, reckoned
from core.domain.journal import Account, Posting
from core.domain.ledgers import DocKind, DocLine, Document, TaxIs
from core.domain.money import Money, total
from core.domain.taxation import OUTSIDE

OTHER_CARRIERS = "others"  # stands for the connection of carriers that have none here, where codes are chosen
NO_TAX = ("US",)  # whose purchases bear no tax that comes back


def carrier_bill(memo: str, bill: Bill, chart: Chart) -> tuple[Document, str]:
    """The bill, and why somebody must look before it is written, "" where nobody need. Raises Unmapped."""
    owed = _known(Account.POSTAGE_OWED, bill, chart.account)
    code = "" if chart.coder.home in NO_TAX else chart.coder.bought(Posting(Account.POSTAGE, bill.total, bill.connection or OTHER_CARRIERS))
    words = f"{bill.carrier} {bill.number}"
    plain_ = Document(
        DocKind.BILL, "", bill.on, bill.currency, (DocLine(owed, bill.total, words),), due=bill.on, contact=bill.carrier, memo=memo
    )
    if not code:
        return plain_, ""
    base, tax = _parts(bill, reverse=chart.coder.codes[code].reverse)
    lines = _lines(bill, chart, code, base, tax if base else base, words)
    return Document(
        DocKind.BILL, "", bill.on, bill.currency, tuple(lines), TaxIs.ON_TOP, due=bill.on, contact=bill.carrier, memo=memo
    ), _stops(bill, chart.coder, code, base, tax)


def _known(account: Account, bill: Bill, account_of: AccountOf) -> str:
    if (found := account_of(Posting(account, bill.total, bill.connection))) is None:
        raise Unmapped([account.value], [])
    return found


def _lines(bill: Bill, chart: Chart, code: str, base: Money, tax: Money, words: str) -> Iterable[DocLine]:
    """Of what is owed, what bears tax and what does not; and the tax, off the account that it was booked on."""
    owed, none, free = _known(Account.POSTAGE_OWED, bill, chart.account), Money.zero(bill.currency), bill.total - base
    if base:
        yield DocLine(owed, base, words, tax_code=code, tax=tax, bought=True)
    if free:
        yield DocLine(owed, free, words, tax_code=_free(chart.coder), tax=none, bought=True)
    if tax:
        yield DocLine(_known(Account.FEE_TAX, bill, chart.account), -tax, words, tax_code=_free(chart.coder), tax=none, bought=True)


def _free(coder: Coder) -> str:
    """The code of purchases without tax, one for sales too before one for purchases of rate zero; "" where there is none."""
    chosen, usable = coder.maps.get(f"tax||{OUTSIDE}"), [one for one in coder.codes.values() if one.active and one.purchases]
    found = sorted((one for one in usable if one.rate == 0 and not one.reverse), key=lambda one: not one.sales)
    return next((one.id for one in [*(one for one in usable if one.id == chosen), *found]), "")


def _parts(bill: Bill, *, reverse: bool) -> tuple[Money, Money]:
    """What bears tax, and the tax that is charged on it. Under reverse charge all services do."""
    parcels = _parcels(bill.lines)
    state = [some for some in parcels if any(one.what is What.DUTY for one in some)]
    tax = [one for some in parcels if some not in state for one in some if one.what is What.TAX]
    whole = reverse or any(not one.tracking for one in tax)  # said of no parcel, it fell on all
    taxed = [some for some in parcels if whole or any(one in tax for one in some)]
    base = [one for some in taxed for one in some if one.what not in (What.TAX, What.DUTY)]
    return _sum(base, bill), _sum(tax, bill)


def _parcels(lines: Iterable[BillLine]) -> list[list[BillLine]]:
    """By tracking number; what is of none stands together."""
    found: dict[str, list[BillLine]] = {}
    for one in lines:
        found.setdefault(plain(one.tracking), []).append(one)
    return list(found.values())


def _sum(lines: Sequence[BillLine], bill: Bill) -> Money:
    return total((one.amount for one in lines), bill.currency)


def _stops(bill: Bill, coder: Coder, code: str, base: Money, tax: Money) -> str:
    """A tax that the code cannot mean, or that was charged where the buyer owes it himself; or nothing to say what bears none."""
    if not _free(coder):
        return "there is no tax code of purchases without tax: nothing says what of the bill bears none"
    if coder.codes[code].reverse:
        return f"tax charged: {tax.text()}; its tax code is one of reverse charge, which bears none" if tax else ""
    made, counts = reckoned([base], coder.rate(code)), tuple(len(some) for some in _parcels(bill.lines))
    if made is None or abs((tax - made).minor) <= limit(counts):
        return ""
    return Off(tax, made, abs((tax - made).minor), counts, "parcels").words()
