"""From HTML to text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["html_text"]

_HIDDEN = re.compile("script|style|template|noscript|svg|math|iframe|object|select|textarea")
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|caption|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|"
    "form|header|hr|legend|main|nav|ol|p|section|summary|table|ul"
)
_MARKS = {"li": "- ", **{f"h{level}": "#" * level + " " for level in range(1, 7)}}


def html_text(html: str) -> tuple[str, str]:
    r"""The page's title, and its text with the headings, lists and code blocks that markdown has.

    The title is that of `<title>`, or empty. The cells of a table's row stand on one line. Scripts,
    styles and what else nobody reads are left out.

    Example:
        >>> html_text("<title>Shop</title><h1>Returns</h1><p>Within <b>30</b> days.<script>x()</script>")
        ('Shop', '# Returns\n\nWithin 30 days.')
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (line.rstrip() for line in "".join(reader.parts).split("\n"))
    return " ".join("".join(reader.title).split()), re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title: list[str] = []
        self._hidden = 0
        self._in_title = False
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if _HIDDEN.fullmatch(tag):
            self._hidden += 1
        elif tag == "title":
            self._in_title = not self.title
        elif tag == "pre":
            self._write("\n\n```\n")
            self._in_code = True
        elif tag in _MARKS:
            self._break("\n" if tag == "li" else "\n\n")
            self._write(_MARKS[tag])
        elif tag in {"td", "th"} and not self._at_line_start():
            self._write(" | ")
        elif tag in {"br", "tr"}:
            self._break("\n")
        elif _BLOCK.fullmatch(tag):
            self._break("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if _HIDDEN.fullmatch(tag):
            self._hidden = max(0, self._hidden - 1)
        elif tag == "title":
            self._in_title = False
        elif tag == "pre" and self._in_code:
            self._in_code = False
            self._write("\n```\n\n")
        elif self.parts and tag in _MARKS and self.parts[-1] == _MARKS[tag]:
            self.parts.pop()
        elif _BLOCK.fullmatch(tag) or (tag in _MARKS and tag != "li"):
            self._break("\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title and not self._hidden:
            self.title.append(data)
        elif self._in_code:
            self._write(data)
        else:
            flowing = re.sub(r"\s+", " ", data)
            self._write(flowing.lstrip() if self._at_line_start() or self.parts[-1].endswith(" ") else flowing)

    def _at_line_start(self) -> bool:
        return not self.parts or self.parts[-1].endswith("\n")

    def _break(self, lines: str) -> None:
        # A block at the head of a list's item or of a heading stays on its line.
        if self.parts and self.parts[-1] not in _MARKS.values():
            self._write(lines)

    def _write(self, text: str) -> None:
        if text and not self._hidden:
            self.parts.append(text)
