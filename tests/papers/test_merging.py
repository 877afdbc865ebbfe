"""Labels and slips in one go."""

import io

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.packing import Sheet
from core.domain.shipping import LabelFormat, Paper
from core.papers.merging import UnreadablePaper, merged
from core.papers.slips import packing_slips
from tests.papers.reading import a_png, a_slip, pages, scanned, sizes

ZPL = b"^XA^FO50,50^FDone^FS^XZ"


def a_label(content, form=LabelFormat.PDF):
    return Paper("label", form, content)


def a_paper(name, sheet=Sheet.LABEL):
    return Paper("slip", LabelFormat.PDF, packing_slips([a_slip(shipment=name)], sheet))


def drawn(pdf, page=0):
    """Where there is black on a page, as (left, top, right, bottom) in points."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        picture = document[page].render(scale=1, grayscale=True).to_pil()
        return picture.point(lambda shade: 255 if shade < 128 else 0).getbbox()
    finally:
        document.close()


def test_papers_become_one_pdf_in_the_order_given():
    (found,) = merged([a_paper("S-1-1"), a_label(a_png(40, 60), LabelFormat.PNG), a_paper("S-2-1", Sheet.A4)])

    assert (found.kind, found.format) == ("papers", LabelFormat.PDF)
    assert ["S-1-1" in page or "S-2-1" in page for page in pages(found.content)] == [True, False, True]
    assert sizes(found.content) == [(288, 432), (288, 432), (595, 842)]
    assert scanned(found.content) == [["S-1-1"], [], ["S-2-1"]]


def test_a_paper_of_several_pages_keeps_them_all():
    several = Paper("slip", LabelFormat.PDF, packing_slips([a_slip(), a_slip(shipment="S-2-1")]))

    (found,) = merged([several, several])

    assert found.kind == "slip"
    assert ["S-2-1" in page for page in pages(found.content)] == [False, True, False, True]


@pytest.mark.parametrize(("sheet", "size"), [(Sheet.LABEL, (288, 432)), (Sheet.A6, (298, 420))])
def test_a_picture_fills_its_sheet_and_stays_upright(sheet, size):
    (found,) = merged([a_label(a_png(812, 1218), LabelFormat.PNG)], sheet)
    left, top, right, bottom = drawn(found.content)

    assert sizes(found.content) == [size]
    assert (bottom - top) / (right - left) == pytest.approx(1.5, abs=0.02)
    assert right - left > size[0] * 0.9


def test_a_picture_that_lies_across_is_turned():
    (found,) = merged([a_label(a_png(600, 400), LabelFormat.PNG)])
    left, top, right, bottom = drawn(found.content)

    assert bottom - top > right - left > 250


def test_zpl_is_put_together_as_zpl_and_stays_apart_from_pdf():
    pdf, zpl = merged(
        [a_label(ZPL, LabelFormat.ZPL), a_paper("S-1-1"), a_label(b"\n" + ZPL.replace(b"one", b"two") + b"\r\n", LabelFormat.ZPL)]
    )

    assert (pdf.format, zpl.format) == (LabelFormat.PDF, LabelFormat.ZPL)
    assert zpl.content == ZPL + b"\n" + ZPL.replace(b"one", b"two") + b"\n"
    assert len(pages(pdf.content)) == 1


def test_zpl_alone_makes_no_pdf_and_nothing_makes_nothing():
    assert [found.format for found in merged([a_label(ZPL, LabelFormat.ZPL)])] == [LabelFormat.ZPL]
    assert merged([]) == ()


@pytest.mark.parametrize(
    "broken",
    [
        a_label(b""),
        a_label(b"%PDF-1.7 cut off"),
        a_label(b"<html>sorry</html>"),
        a_label(packing_slips([a_slip()]).replace(b"/Kids [", b"/Kids <")),
        a_label(packing_slips([a_slip()]).replace(b"/MediaBox", b"/NoneKnown")),
        a_label(b"nothing", LabelFormat.PNG),
        a_label(a_png(40, 60)[:40], LabelFormat.PNG),
        a_label(b"<html>sorry</html>", LabelFormat.ZPL),
    ],
)
def test_a_paper_that_is_not_what_it_says_is_named(broken):
    with pytest.raises(UnreadablePaper) as raised:
        merged([a_paper("S-1-1"), broken])

    assert raised.value.at == 1
    assert str(raised.value).startswith("paper 2 (label) is no ")


def test_what_a_label_says_never_gets_into_the_log(caplog):
    with pytest.raises(UnreadablePaper) as raised:
        merged([a_label(b"%PDF-1.7\n1 0 obj << /Ada Example 1 Sample Street >> endobj trailer << /Root 1 0 R >>")])

    assert "Ada" not in caplog.text + str(raised.value)


WHOLE = packing_slips([a_slip()])


@given(st.integers(0, len(WHOLE)), st.binary(max_size=8))
@settings(max_examples=60)
def test_a_damaged_pdf_is_read_or_refused(at, more):
    try:
        (found,) = merged([a_label(WHOLE[:at] + more + WHOLE[at + len(more) :])])
    except UnreadablePaper:
        return
    assert sizes(found.content)


def test_the_same_papers_give_the_same_bytes():
    papers = [a_paper("S-1-1"), a_label(a_png(40, 60), LabelFormat.PNG)]

    assert merged(papers) == merged(papers)
    assert b"CreationDate" not in io.BytesIO(merged(papers)[0].content).getvalue()
