"""Anchors of HTML pages: those that the parser of the standard library finds, and no page takes long."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satlock.corpora.index.html_page import Anchor, read_html


class Links(HTMLParser):
    """What the standard library finds."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Anchor] = []
        self._open: dict[str, str | None] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.handle_endtag("a")
            attributes = dict(reversed(attrs))
            if attributes.get("href"):
                self._open, self._text = attributes, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.found.append(Anchor(self._open, self._text.strip()))
            self._open = None

    def handle_data(self, data: str) -> None:
        self._text += data


def by_the_library(text: str) -> list[Anchor]:
    links = Links()
    links.feed(text)
    links.close()
    links.handle_endtag("a")
    return links.found


WORDS = st.sampled_from(
    ["demo-1.0.tar.gz", "x", "&gt;=3.8", "&lt;b&gt;", " spaced  out ", "\n", "ä", "&#233;", "&", "1 > 0"]
)
VALUES = st.one_of(
    st.builds('"{}"'.format, st.sampled_from(["a/b?c=d#e", "&amp;", "x>y", "it's", ""])),
    st.builds("'{}'".format, st.sampled_from(["a", 'say "so"', "&gt;=3"])),
    st.sampled_from(["plain", "a/b", "x=y"]),
)
ATTRIBUTES = st.builds(
    lambda name, equals, value: f"{name}{equals}{value}" if value is not None else name,
    st.sampled_from(["href", "HREF", "data-yanked", "data-requires-python", "x"]),
    st.sampled_from(["=", " = ", "= "]),
    st.one_of(st.none(), VALUES),
)
TAGS = st.builds(
    lambda name, attributes, end: f"<{name} {' '.join(attributes)}{end}",
    st.sampled_from(["a", "A", "b", "abbr", "br", "base"]),
    st.lists(ATTRIBUTES, max_size=3),
    st.sampled_from([">", " >", "\n>"]),
)
PARTS = st.one_of(
    WORDS, TAGS, st.sampled_from(["</a>", "</A >", "</b>", "<!-- <a href=no> -->", "<!DOCTYPE html>", "<br>"])
)


@settings(deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_what_tools_write_is_read_as_the_standard_library_does(text: str) -> None:
    assert read_html(text).anchors == by_the_library(text)


@settings(deadline=None)
@given(st.text(st.sampled_from("<>/!-a= \"'&#;x?[]"), max_size=80))
def test_whatever_it_is_something_comes_of_it(text: str) -> None:
    for anchor in read_html(text).anchors:
        assert anchor.attributes["href"]


def test_scripts_and_comments_hold_no_links() -> None:
    text = "<script>var x = '<a href=no>'</script><style><a href=no></style><!-- <a href=no> --><a href=yes>ok</a>"
    assert read_html(text).anchors == [Anchor({"href": "yes"}, "ok")]
    assert read_html(f"<a href=yes>ok{'<!--' * 5}<a href=no>").anchors == [Anchor({"href": "yes"}, "ok")]
    assert read_html(f"<a href=yes>&#{'9' * 5000};</a>").anchors[0].attributes == {"href": "yes"}


@pytest.mark.parametrize(
    "piece",
    [
        "<!", "<!--", "</", '<a href="', "<a href='", "<![", "<a ", "<a b=", "<a href=x", "<a =", "<a href=x><!--",
        "<script>", "<textarea", "<a href=x>&#", "<a href=x><b ", '<a b="x', "<a\t\n", "<base href='", "&#38", "<a/",
    ],
)  # fmt: skip
def test_time_grows_with_the_page_alone(piece: str) -> None:
    def seconds(count: int) -> float:
        text, begun = piece * count, time.process_time()
        read_html(text)
        return time.process_time() - begun

    assert seconds(400_000) < 10  # the parser of the standard library takes minutes for a hundredth of most of these
