"""Which fault met what, and how far that had come: counted by the world of the whole hub, laid out, and what was never met named."""

from collections.abc import Iterator, Mapping

Cell = tuple[str, str, str]  # fault, what was being done, how far it had come

WORKER, CALL, NETWORK = (
    ("crash", "freeze", "others act"),
    ("429", "5xx", "lost answer", "login expired"),
    ("lost", "doubled", "late", "overtaken"),
)
INSIDE, OUTSIDE = ("take_orders", "reserve", "link_orders"), ("fetch_orders", "poll_orders", "seek_orders", "publish_stock", "verify_stock")
OTHERS = ("claim", "notice", "goods", "sweep")
PHASES = ("at its start", "between two steps", "before the call", "during the call", "answered, not written", "written", "on its way")
IN_CALL, AROUND_CALL, MIDDLE = "during the call", ("before the call", "answered, not written"), "between two steps"

# Cells that cannot be, and why; the first that fits counts.
IMPOSSIBLE = (
    ("it happens on the network, to notices", lambda fault, doing, phase: (fault in NETWORK) != (phase == "on its way")),
    ("only a notice is on its way", lambda fault, doing, phase: phase == "on its way" and doing != "notice"),
    ("it happens to a call", lambda fault, doing, phase: (fault in CALL) != (phase == IN_CALL)),
    ("it makes no call", lambda fault, doing, phase: doing not in OUTSIDE and (phase == IN_CALL or phase in AROUND_CALL)),
    (
        "it is one transaction",
        lambda fault, doing, phase: phase == MIDDLE and doing not in ("publish_stock", "fetch_orders", "poll_orders"),
    ),
    ("who dies before it holds anything has done nothing", lambda fault, doing, phase: (fault, doing) == ("crash", "claim")),
    ("nobody holds a lease there", lambda fault, doing, phase: fault == "freeze" and doing in OTHERS),
    (
        "a call that leaves after its lease ran out nobody can take back",
        lambda fault, doing, phase: (fault, doing) == ("freeze", "publish_stock"),
    ),
)


def impossible(fault: str, doing: str, phase: str) -> str:
    """Why this cannot be; "" where it can."""
    return next((why for why, fits in IMPOSSIBLE if fits(fault, doing, phase)), "")


def grid() -> Iterator[Cell]:
    for fault in (*WORKER, *CALL, *NETWORK):
        for doing in (*INSIDE, *OUTSIDE, *OTHERS):
            for phase in PHASES:
                yield fault, doing, phase


def empty(cells: Mapping[Cell, int]) -> list[Cell]:
    """Those that can be and were never met."""
    return [cell for cell in grid() if not impossible(*cell) and not cells.get(cell)]


def laid_out(cells: Mapping[Cell, int]) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[str]]:
    """(columns, rows, the empty cells in words): a row for each fault and act that can meet; "-" is what cannot be."""
    rows = []
    for fault in (*WORKER, *CALL, *NETWORK):
        for doing in (*INSIDE, *OUTSIDE, *OTHERS):
            row = ["-" if impossible(fault, doing, phase) else str(cells.get((fault, doing, phase), 0)) for phase in PHASES]
            if set(row) != {"-"}:
                rows.append((fault, doing, *row))
    return ("fault", "doing", *(f"# {phase}" for phase in PHASES)), rows, [", ".join(cell) for cell in empty(cells)]
