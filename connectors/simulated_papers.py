"""Papers of simulated carriers: small, real, and with nobody's name on them. Pure."""

import struct
import zlib

BAR = {"0": "10100", "1": "01010"}


def label(image: str, tracking: str, carrier: str) -> bytes:
    """A label of a parcel as PDF, PNG or, by any other name, ZPL."""
    title = f"{carrier} (simulated)"
    match image:
        case "PDF":
            return pdf(title, tracking, 288, 432)
        case "PNG":
            return png(tracking)
        case _:
            return f"^XA^FO40,40^A0N,40,40^FD{title}^FS^FO40,120^BCN,160,Y,N,N^FD{tracking}^FS^XZ".encode()


def pdf(title: str, text: str, width: int, height: int) -> bytes:
    """One page with two lines of text."""
    drawn = f"BT /F1 18 Tf 24 {height - 48} Td ({title}) Tj 0 -32 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    return _bound(parts)


def _bound(parts: list[bytes]) -> bytes:
    """The parts as a file with its table of where each one starts."""
    made, starts = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        starts.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size = len(parts) + 1
    return made + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        len(made),
    )


def png(tracking: str) -> bytes:
    """Gray bars that stand for the number's digits, 4 by 6 inches at 12 points an inch."""
    bits = "".join(BAR[bit] for digit in tracking if digit.isdigit() for bit in f"{int(digit):04b}")
    row = b"\0" + bytes(0 if bits[x * len(bits) // 48] == "1" else 255 for x in range(48))
    head = struct.pack(">IIBBBBB", 48, 72, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(row * 72)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
