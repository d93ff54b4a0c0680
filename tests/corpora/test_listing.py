"""Pages of the simple API, honest and hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satlock.corpora.facts import File, Listing
from satlock.corpora.index.cache import pack_listing, unpack_listing
from satlock.corpora.index.listing import ListingError, parse_listing
from satlock.corpora.index.parsers import Parsers, pack_page

URL = "https://index.example/simple/demo/"
INDEX = "https://index.example/simple"


def of_json(*files: Any, **page: Any) -> Listing:
    body = json.dumps({"meta": {"api-version": "1.0"}, "files": list(files), **page}).encode()
    return parse_listing(body, "application/vnd.pypi.simple.v1+json", URL, INDEX, "demo")


def of_html(html: str) -> Listing:
    return parse_listing(html.encode(), "text/html; charset=utf-8", URL, INDEX, "demo")


def entry(filename: str, **more: Any) -> dict[str, Any]:
    return {"filename": filename, "url": f"https://files.example/{filename}", "hashes": {}, **more}


def files_of(listing: Listing) -> list[File]:
    return [file for release in listing.releases for file in release.files]


def test_json_facts() -> None:
    listing = of_json(
        entry("demo-1.0.tar.gz", **{"requires-python": ">=3.8", "upload-time": "2024-01-02T03:04:05Z", "size": 7}),
        entry(
            "demo-1.0-py3-none-any.whl",
            hashes={"sha256": "AB" * 32},
            yanked="broken",
            **{
                "requires-python": ">=3.8",
                "upload-time": "2024-01-02T05:04:05+02:00",
                "core-metadata": {"sha256": "c" * 64},
            },
        ),
        entry("demo-0.9+cpu-cp311-cp311-win_amd64.whl", yanked=True, **{"dist-info-metadata": True}),
    )
    assert [release.version for release in listing.releases] == ["0.9+cpu", "1.0"]
    old, new = listing.releases
    assert (old.yanked, old.wheels, old.sdist, old.upload_time) == (True, True, False, None)
    assert (new.yanked, new.wheels, new.sdist, new.requires_python) == (False, True, True, ">=3.8")
    assert new.upload_time == "2024-01-02T03:04:05Z"
    built, source = new.files
    assert built == File(
        "demo-1.0-py3-none-any.whl",
        "https://files.example/demo-1.0-py3-none-any.whl",
        (("sha256", "ab" * 32),),
        None,
        "2024-01-02T03:04:05Z",
        ">=3.8",
        "broken",
        (("sha256", "c" * 64),),
    )
    assert (source.size, source.yanked, source.metadata) == (7, None, None)
    assert (old.files[0].yanked, old.files[0].metadata) == ("", ())


def test_html_facts() -> None:
    digest = "0aF1" * 16
    listing = of_html(
        f"""<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.3">
        <base href="../../files/"></head><body>
        <a href="demo-2.0%2Bcu12-py3-none-any.whl#sha256={digest}" data-requires-python="&gt;=3.9"
           data-dist-info-metadata="sha256={"0" * 64}"
           data-core-metadata="sha256={"1" * 64}" data-yanked>demo-2.0+cu12-py3-none-any.whl
        </a><br><a href="https://user:secret@files.example/demo-1.0.zip">demo-<b>1.0</b>.zip</a>
        <a>no address</a><a href="demo-1.5-py3-none-any.whl" data-dist-info-metadata="true"></body>"""
    )
    by_name = {file.filename: file for file in files_of(listing)}
    assert sorted(by_name) == ["demo-1.0.zip", "demo-1.5-py3-none-any.whl", "demo-2.0+cu12-py3-none-any.whl"]
    new = by_name["demo-2.0+cu12-py3-none-any.whl"]
    assert new.url == "https://index.example/files/demo-2.0%2Bcu12-py3-none-any.whl"
    assert (new.hashes, new.metadata, new.yanked) == ((("sha256", digest.lower()),), (("sha256", "1" * 64),), "")
    assert new.requires_python == ">=3.9"
    assert by_name["demo-1.0.zip"].url == "https://files.example/demo-1.0.zip"
    assert by_name["demo-1.5-py3-none-any.whl"].metadata == ()


def test_html_agrees_with_pypi_simple() -> None:
    from pypi_simple.html import RepositoryPage

    html = "<html><body>" + "".join(
        f'<a href="../../packages/demo-{n}.{m}-py3-none-any.whl#sha256={n:064x}" data-requires-python="&gt;=3.{m}">'
        f"demo-{n}.{m}-py3-none-any.whl</a><br/>\n"
        for n in range(30)
        for m in range(3)
    )
    expected = {
        (link.text, link.url.partition("#")[0], link.get_str_attrib("data-requires-python"))
        for link in RepositoryPage.from_html(html, URL).links
    }
    found = {(file.filename, file.url, file.requires_python) for file in files_of(of_html(html))}
    assert found == expected
    assert len(found) == 90


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (entry("demo-1.0.exe"), "neither a wheel"),
        (entry("demo-1.0.win32-py2.egg"), "neither a wheel"),
        (entry("demo-x.y-py3-none-any.whl"), "not a version"),
        (entry("demo-1.0-py3-none.whl"), "not that of a wheel"),
        (entry("demo-1.0-xyz-py3-none-any.whl"), "not that of a wheel"),
        (entry("other-1.0-py3-none-any.whl"), "another project"),
        (entry("other-1.0.tar.gz"), "another project"),
        (entry("demo-1.0-py3-none-any/../../x.whl"), "not that of a wheel"),
        (entry("../demo-1.0.tar.gz"), "not that of a source distribution"),
        (entry("demo.tar.gz"), "holds no version"),
        ({**entry("demo-1.0.tar.gz"), "url": "javascript:alert(1)"}, "scheme 'javascript'"),
        ({**entry("demo-1.0.tar.gz"), "url": "file:///etc/passwd"}, "scheme 'file'"),
        ({**entry("demo-1.0.tar.gz"), "url": "ftp://files.example/x"}, "scheme 'ftp'"),
        ({**entry("demo-1.0.tar.gz"), "url": "http:///x"}, "names no host"),
        ({**entry("demo-1.0.tar.gz"), "url": "http://[bad/x"}, "not an address"),
        ({**entry("demo-1.0.tar.gz"), "url": 7}, "no address"),
        ({**entry("demo-1.0.tar.gz"), "filename": None}, "no file name"),
        (entry(f"demo-1.{'9' * 500}.tar.gz"), "is not a version"),
        (entry(f"demo-1.{'0' * 5000}.tar.gz"), "name is too long"),
        ({**entry("demo-1.0.tar.gz"), "requires-python": f">=3.{'9' * 500}"}, "Requires-Python is too long"),
        ({**entry("demo-1.0.tar.gz"), "hashes": {"sha256": "ab"}}, "its sha256 hash is not one"),
        ({**entry("demo-1.0.tar.gz"), "hashes": {"sha256": "x" * 64}}, "its sha256 hash is not one"),
        ({**entry("demo-1.0.tar.gz"), "hashes": {"sha512": 7}}, "its sha512 hash is not one"),
    ],
)
def test_unfit_files_are_left_out_with_the_reason(file: dict[str, Any], reason: str) -> None:
    listing = of_json(file, entry("demo-3.0.tar.gz"))
    assert [release.version for release in listing.releases] == ["3.0"]
    ((_, said),) = listing.skipped
    assert reason in said


def test_addresses_lose_credentials_and_fragments() -> None:
    (file,) = files_of(of_json({**entry("demo-1.0.tar.gz"), "url": "//user:secret@files.example/a b.tar.gz#sha256=x"}))
    assert file.url == "https://files.example/a%20b.tar.gz"


def test_one_version_in_two_spellings_is_one_release() -> None:
    listing = of_json(entry("demo-1.0.0.tar.gz"), entry("demo-1.0-py3-none-any.whl"), entry("demo-1.0rc1.tar.gz"))
    assert [(release.version, len(release.files)) for release in listing.releases] == [("1.0rc1", 1), ("1.0", 2)]


def test_old_source_distributions_with_dashes() -> None:
    listing = of_json(entry("demo-1.0-1.tar.gz"))
    assert [release.version for release in listing.releases] == ["1.0.post1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"meta": {}, "files": {}}',
        b'{"meta": null, "files": []}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"meta": {"api-version": "2.0"}, "files": []}',
    ],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(ListingError):
        parse_listing(body, "application/vnd.pypi.simple.v1+json", URL, INDEX, "demo")


def test_unknown_versions_and_types_are_refused() -> None:
    with pytest.raises(ListingError, match=r"version .2\.0. of"):
        of_html('<meta name="pypi:repository-version" content="2.0"><a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a>')
    with pytest.raises(ListingError, match="image/png"):
        parse_listing(b"\x89PNG", "image/png", URL, INDEX, "demo")


def test_halves_of_characters_do_no_harm() -> None:
    bad = "\ud800"
    listing = of_json(entry("demo-1.0.tar.gz", yanked=f"no {bad} way"), entry(f"demo-{bad}.tar.gz"))
    assert [release.version for release in listing.releases] == ["1.0"]
    assert unpack_listing(pack_listing(listing)) == listing
    raw = (
        json.dumps({"meta": {}, "files": [entry("demo-1.0.tar.gz", yanked="X")]})
        .encode()
        .replace(b"X", b"\xed\xa0\x80")
    )
    listing = parse_listing(raw, "application/json", URL, INDEX, "demo")
    assert unpack_listing(pack_listing(listing)) == listing


values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.integers(), max_size=2))
names = st.sampled_from(["demo-1.0.tar.gz", "demo-2-py3-none-any.whl", "demo-2.0-cp311-abi3-win32.whl", "x.zip", ""])
entries = st.fixed_dictionaries(
    {},
    optional={
        "filename": names | values,
        "url": st.just("https://files.example/f") | values,
        "hashes": st.dictionaries(st.text(max_size=6), values, max_size=3) | values,
        "size": values,
        "upload-time": st.just("2020-01-01T00:00:00Z") | values,
        "requires-python": values,
        "yanked": values,
        "core-metadata": st.dictionaries(st.text(max_size=6), values, max_size=2) | values,
    },
)


@given(st.lists(entries | values, max_size=6), st.randoms())
def test_any_json_gives_a_listing_whatever_the_order(files: list[Any], random: Any) -> None:
    listing = of_json(*files)
    assert unpack_listing(pack_listing(listing)) == listing
    assert all(file.url.startswith(("https://", "http://")) for file in files_of(listing))
    shuffled = list(files)
    random.shuffle(shuffled)
    assert of_json(*shuffled) == listing


@given(st.text(alphabet="<a>/ hrefdmo-1.0tagz=\"'#&!", max_size=200))
def test_any_html_gives_a_listing(html: str) -> None:
    assert all(file.url.startswith("http") for file in files_of(of_html(html)))


def test_other_processes_parse_the_same() -> None:
    files = [entry(f"demo-{n}.{m}-py3-none-any.whl", size=n) for n in range(40) for m in range(20)]
    body = json.dumps({"meta": {}, "files": files}).encode()
    page = (body, "application/json", URL, INDEX, "demo")
    parsers = Parsers(count=1, here=0)
    threads = parsers.threads(len(body))
    assert threads is not None
    try:
        first = threads.submit(parsers.pack, page).result()
        assert first == pack_page(page)
        (process,) = parsers._started
        assert process.poll() is None  # it was the process that answered
        with pytest.raises(ListingError):
            threads.submit(parsers.pack, (b"nonsense" * 10_000, "application/json", URL, INDEX, "demo")).result()
        process.kill()
        process.wait()
        assert threads.submit(parsers.pack, page).result() == first
        assert threads.submit(parsers.pack, page).result() == first
    finally:
        parsers.close()
