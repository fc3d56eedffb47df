"""A letter as PDF: title and language are set, and it has the fonts that every reader has.

Those know the letters of Western Europe, € included. What they do not know is shown as `[?]`: nothing is left out unseen.
"""

from collections.abc import Iterable

from fpdf import FPDF
from fpdf.prefs import ViewerPreferences

ENCODING = "windows-1252"
UNKNOWN = "[?]"
_FONT = "Helvetica"
_MARGIN_MM = 25
_LINE_MM = 5.6


class Paper:
    """One letter, written from the top."""

    def __init__(self, title: str, sender: str, language: str) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.core_fonts_encoding = ENCODING
        self._pdf.set_lang(language)
        self._pdf.set_title(title)
        self._pdf.set_author(sender)
        self._pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._pdf.set_margins(_MARGIN_MM, _MARGIN_MM)
        self._pdf.set_auto_page_break(True, _MARGIN_MM)
        self._pdf.add_page()
        self._write(sender, size=10)
        self._pdf.ln(8)
        self._write(title, size=17, style="B")
        self._pdf.ln(3)

    def heading(self, text: str) -> None:
        self._pdf.ln(2)
        self._pdf.start_section(_known(text))
        self._write(text, size=12.5, style="B")

    def text(self, text: str) -> None:
        """A paragraph; what somebody typed keeps its lines."""
        self._write(text)
        self._pdf.ln(2)

    def list(self, items: Iterable[str]) -> None:
        for each in items:
            self._write(f"•  {each}")
        self._pdf.ln(2)

    def close(self) -> bytes:
        """The file."""
        return bytes(self._pdf.output())

    def _write(self, text: str, size: float = 11, style: str = "") -> None:
        self._pdf.set_font(_FONT, style=style, size=size)
        self._pdf.multi_cell(0, _LINE_MM * max(1, size / 11), _known(text), align="L", new_x="LMARGIN", new_y="NEXT")


def _known(text: str) -> str:
    # A browser sends the lines of what somebody typed as "\r\n".
    return "".join(each if _is_known(each) else UNKNOWN for each in text.replace("\r\n", "\n"))


def _is_known(character: str) -> bool:
    try:
        character.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return character in "\n\t" or character.isprintable()
