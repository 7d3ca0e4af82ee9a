"""HTML of a mail as text. What was quoted comes out behind `>`, as in a plain mail."""

import re
from html import unescape
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

LARGEST: Final = 1024 * 1024
DEEPEST: Final = 1_000
"""Browsers nest 512 tags at most; a parser's work grows with the square of the depth."""
_TAG: Final = re.compile(r"<[^<>]*>")
_NESTING: Final = re.compile(
    r"<(/?)(?!(?:br|img|hr|p|li|td|th|tr|dd|dt|col|input|meta|link|option|tbody|thead|html|head|body)\b)[a-z]",
    re.IGNORECASE,
)
"""Tags that have to be closed."""
_UNSEEN: Final = "script, style, head, title, template, svg, iframe, object, noscript, [style*='display:none'], [hidden]"
_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_CELLS: Final = frozenset({"td", "th"})
_QUOTE: Final = "blockquote"
_BLANKS: Final = re.compile(r"[ \t\r\n\f\u00a0]+")
_MANY: Final = re.compile(r"\n{3,}")


def to_text(html: str) -> str:
    """What a reader sees: lines and paragraphs, no links, pictures or hidden parts."""
    html = html[:LARGEST]
    if _depth(html) > DEEPEST:
        return _MANY.sub("\n\n", unescape(_TAG.sub(" ", html))).strip()
    tree = LexborHTMLParser(html)
    for node in tree.css(_UNSEEN):
        node.decompose()
    if tree.body is None:
        return ""
    lines = _Lines()
    _walk(tree.body, lines)
    return _MANY.sub("\n\n", lines.text()).strip()


def _depth(html: str) -> int:
    """How deep tags nest, roughly."""
    deepest = depth = 0
    for match in _NESTING.finditer(html):
        depth += -1 if match[1] else 1
        deepest = max(deepest, depth)
    return deepest


class _Lines:
    """Gathers text line by line, with the depth of quoting of each."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._now: list[str] = []
        self.depth = 0

    def add(self, text: str) -> None:
        self._now.append(text)

    def end(self, *, forced: bool = False) -> None:
        line = _BLANKS.sub(" ", "".join(self._now)).strip()
        self._now.clear()
        if line or forced:
            self._done.append("> " * self.depth + line)

    def text(self) -> str:
        self.end()
        return "\n".join(self._done)


def _walk(root: LexborNode, lines: _Lines) -> None:
    """Depth first without recursion: a mail may nest as deeply as it likes."""
    node: LexborNode | None = root
    while node is not None:
        _enter(node, lines)
        if node.child is not None:
            node = node.child
            continue
        while node.next is None:
            _leave(node, lines)
            if node.parent is None or node.parent.mem_id == root.mem_id:
                return
            node = node.parent
        _leave(node, lines)
        node = node.next


def _enter(node: LexborNode, lines: _Lines) -> None:
    tag = node.tag
    if tag == "-text":
        lines.add(node.text_content or "")
    elif tag == "br":
        lines.end(forced=True)
    elif tag in _CELLS:
        lines.add(" ")
    elif tag in _BLOCKS:
        lines.end(forced=tag == "p")
        lines.depth += tag == _QUOTE
        if tag == "li":
            lines.add("- ")


def _leave(node: LexborNode, lines: _Lines) -> None:
    if node.tag in _BLOCKS:
        lines.end()
        lines.depth -= node.tag == _QUOTE
