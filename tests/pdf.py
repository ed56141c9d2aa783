"""What a phone's camera finds on a printed page."""

from pathlib import Path

import pypdfium2
import zxingcpp

DPI = 120


def qr_codes(pdf: bytes | Path) -> list[list[str]]:
    """The texts of the QR codes on every page, drawn as pixels and decoded from them."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.render(scale=DPI / 72, grayscale=True).to_numpy() for page in document]
    finally:
        document.close()
    wanted = zxingcpp.BarcodeFormat.QRCode
    return [[code.text for code in zxingcpp.read_barcodes(page, formats=wanted)] for page in pages]
