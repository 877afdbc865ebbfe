"""Rows of cells on numbered pages. A row that does not fit goes to the next page, one that fits no page is divided between lines; what
heads a table is said again on each of its pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Protocol

from reportlab.lib import pagesizes
from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas

from core.domain.packing import Sheet
from core.papers.fonts import READING
from core.papers.language import Language
from core.papers.text import LEADING, Line, lines

SIZES = {Sheet.A4: pagesizes.A4, Sheet.LETTER: pagesizes.LETTER, Sheet.A6: pagesizes.A6, Sheet.LABEL: (4 * inch, 6 * inch)}
LARGE = (Sheet.A4, Sheet.LETTER)
GUTTER = 6.0  # points between two cells
RULE = 2.0  # points from a row to the line under it


class Picture(Protocol):
    """Something drawn that is no text; in points."""

    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    def draw(self, canvas: Any, x: float, y: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture and lines under it, in a column that begins at `x` (points from the margin)."""

    x: float
    width: float
    lines: tuple[Line, ...] = ()
    picture: Picture | None = None
    right: bool = False  # set against the right side

    @property
    def height(self) -> float:
        return (self.picture.height if self.picture else 0) + sum(line.height for line in self.lines)

    def divided(self, room: float) -> tuple["Cell", "Cell"]:
        room -= self.picture.height if self.picture else 0
        fit = 0
        while fit < len(self.lines) and self.lines[fit].height <= room:
            room -= self.lines[fit].height
            fit += 1
        return replace(self, lines=self.lines[:fit]), replace(self, lines=self.lines[fit:], picture=None)


@dataclass(frozen=True, slots=True)
class Row:
    """Cells beside each other. `space` is above it, in points; `head` is what heads its table. `leads`: it is never the last of a page."""

    cells: tuple[Cell, ...]
    space: float = 0
    ruled: bool = False
    head: "Row | None" = None
    leads: bool = False

    @property
    def inner(self) -> float:
        return max((cell.height for cell in self.cells), default=0)

    @property
    def height(self) -> float:
        return self.space + self.inner + (2 * RULE if self.ruled else 0)

    def divided(self, room: float) -> tuple["Row", "Row"]:
        parts = [cell.divided(room - self.space) for cell in self.cells]
        first, rest = tuple(one for one, _ in parts), tuple(other for _, other in parts)
        return replace(self, cells=first, ruled=False), replace(self, cells=rest, space=0)


@dataclass(frozen=True, slots=True)
class Frame:
    """What rows are cut to: a sheet of paper and who reads it."""

    sheet: Sheet
    language: Language

    @property
    def margin(self) -> float:
        return float(15 * mm if self.sheet in LARGE else 5 * mm)

    @property
    def size(self) -> float:
        """Of plain text, in points."""
        return 9 if self.sheet in LARGE else 7

    @property
    def width(self) -> float:
        return float(SIZES[self.sheet][0]) - 2 * self.margin

    @property
    def height(self) -> float:
        """Between the margins, without the line at the foot."""
        return float(SIZES[self.sheet][1]) - 2 * self.margin - 2 * self.size * LEADING

    def room(self, begin: float, end: float) -> float:
        return (end - begin) * self.width - (GUTTER if end < 1 else 0)

    def lines(self, begin: float, end: float, text: str, scale: float = 1, *, bold: bool = False) -> tuple[Line, ...]:
        """Text for a column between two shares of the width."""
        return lines(text, self.size * scale, self.room(begin, end), bold=bold)

    def cell(self, begin: float, end: float, said: Sequence[Line] = (), picture: Picture | None = None, *, far: bool = False) -> Cell:
        """A column between two shares of the width, counted from the side where reading begins; `far` sets it against the other side."""
        width = self.room(begin, end)
        x = self.width * (1 - begin) - width if self.language.rtl else self.width * begin
        return Cell(x, width, tuple(said), picture, right=far is not self.language.rtl)


# ---- pages


@dataclass(frozen=True, slots=True)
class Document:
    """One paper of its own: its pages count from one. `foot` is said on each of them."""

    rows: tuple[Row, ...]
    foot: str


Placed = list[tuple[Row, float]]  # rows, each with its distance from the upper margin


def pages(rows: Iterable[Row], full: float) -> list[Placed]:
    """Rows on pages of `full` points."""
    found: list[Placed] = [[]]
    for row in rows:
        _place(found, row, full)
    return found


def _place(found: list[Placed], row: Row, full: float) -> None:
    head = row.head if row.head and row.head.height < full / 2 else None
    while (top := _bottom(found[-1])) + row.height > full:
        if row.height > full - (head.height if head else 0) and full - top > full / 4:
            first, row = row.divided(full - top)
            found[-1].append((first, top))
        found.append(_stacked(_leading(found[-1]) or ([head] if head else [])))
    found[-1].append((row, top))


def _leading(placed: Placed) -> list[Row]:
    """Headings at the foot of a page, taken off it to go with what they head; none where nothing else stands there."""
    first = next((n for n in range(len(placed), 0, -1) if not placed[n - 1][0].leads), 0)
    taken = [row for row, _ in placed[first:]] if first else []
    del placed[len(placed) - len(taken) :]
    return taken


def _stacked(rows: Iterable[Row]) -> Placed:
    """Rows at the head of a page."""
    placed: Placed = []
    for row in rows:
        placed.append((row if placed else replace(row, space=0), _bottom(placed)))
    return placed


def _bottom(placed: Placed) -> float:
    return placed[-1][1] + placed[-1][0].height if placed else 0


def printed(documents: Iterable[Document], frame: Frame, title: str) -> bytes:
    """All of them as one PDF. The same documents give the same bytes. Raises ValueError where there is nothing to print."""
    paper = BytesIO()
    canvas = Canvas(paper, pagesize=SIZES[frame.sheet], invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("Crossdock")
    count = sum(_print(canvas, frame, document) for document in documents)
    if not count:
        raise ValueError("nothing to print")
    with READING:  # it cuts the letters out of typefaces that all papers share, each with one place where it reads (ReportLab 5.1)
        canvas.save()
    return paper.getvalue()


def _print(canvas: Any, frame: Frame, document: Document) -> int:
    found = pages(document.rows, frame.height)
    for number, placed in enumerate(found, 1):
        for row, top in placed:
            _draw(canvas, frame, row, top + row.space)
        _foot(canvas, frame, document.foot, frame.language.say("page", page=number, pages=len(found)))
        canvas.showPage()
    return len(found)


def _draw(canvas: Any, frame: Frame, row: Row, top: float) -> None:
    upper = SIZES[frame.sheet][1] - frame.margin - top
    for cell in row.cells:
        _draw_cell(canvas, cell, frame.margin, upper)
    if row.ruled:
        y = upper - row.inner - RULE
        canvas.setLineWidth(0.4)
        canvas.line(frame.margin, y, frame.margin + frame.width, y)


def _draw_cell(canvas: Any, cell: Cell, left: float, y: float) -> None:
    if cell.picture:
        y -= cell.picture.height
        cell.picture.draw(canvas, left + cell.x + _indent(cell, cell.picture.width), y)
    for line in cell.lines:
        draw_line(canvas, line, left + cell.x + _indent(cell, line.width), y - line.size)
        y -= line.height


def _indent(cell: Cell, width: float) -> float:
    return cell.width - width if cell.right else 0


def draw_line(canvas: Any, line: Line, x: float, y: float) -> None:
    """`y` is where the letters stand."""
    for run in line.runs:
        canvas.setFont(run.font, line.size)
        canvas.drawString(x, y + run.rise, run.text)
        x += run.width


def _foot(canvas: Any, frame: Frame, foot: str, page: str) -> None:
    """What paper this is, and which of its pages; the name in one line, since it is said in full above."""
    for cell in _foot_cells(frame, foot, page):
        _draw_cell(canvas, cell, frame.margin, frame.margin + frame.size * LEADING)


def _foot_cells(frame: Frame, foot: str, page: str) -> Iterator[Cell]:
    yield frame.cell(0, 0.65, frame.lines(0, 0.65, foot, 0.85)[:1])
    yield frame.cell(0.65, 1, frame.lines(0.65, 1, page, 0.85)[:1], far=True)
