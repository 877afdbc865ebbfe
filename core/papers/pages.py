"""The page by which a printer is tried."""

from core.domain.packing import Sheet
from core.papers.language import ENGLISH
from core.papers.sheet import Document, Frame, Row, printed


def trial_page(name: str, moment: str) -> bytes:
    """One page that says which station it came from, as a PDF."""
    frame = Frame(Sheet.A4, ENGLISH)
    rows = tuple(Row((frame.cell(0, 1, frame.lines(0, 1, text, 1.7)),), space=10) for text in ("Crossdock", name, moment))
    return printed([Document(rows, name)], frame, name)
