"""Which index is the default: the user's, by the rules of uv and pip."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from satlock.corpora.index import default_index
from satlock.corpora.index.default_index import certificate_bundle, default_index_url


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any configuration."""
    for variable in list(os.environ):
        if variable.startswith(("UV_", "PIP_")) or variable in (
            "XDG_CONFIG_HOME",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
        ):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def without_etc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that the tests run on may have files of its own in /etc."""
    for finder in ("_pip_files", "_uv_files"):
        found = getattr(default_index, finder)
        monkeypatch.setattr(
            default_index, finder, lambda found=found: (file for file in found() if not str(file).startswith("/etc/"))
        )


def test_pypi_where_nothing_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    without_etc(monkeypatch)
    assert default_index_url() == default_index.standard_index_url().rstrip("/")


def test_the_constant_is_where_pip_looks() -> None:
    from pip._internal.models.index import PyPI

    assert default_index.standard_index_url() == PyPI.simple_url + "/"


def test_the_order(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Every place gives way to the one that is written after it here."""
    without_etc(monkeypatch)
    places = [
        ("pip, system", home / "system/pip/pip.conf", "[global]\nindex-url = URL\n"),
        ("pip, user", home / ".pip/pip.conf", "[global]\nindex_url = URL\n"),
        ("pip, user, XDG", home / ".config/pip/pip.conf", "[global]\nindex-url=URL\n"),
        ("pip, venv", home / "venv/pip.conf", "[global]\nindex-url: URL\n"),
        ("uv, system", home / "system/uv/uv.toml", 'index-url = "URL"\n'),
        ("uv, user", home / ".config/uv/uv.toml", '[pip]\nindex-url = "URL"\n'),
        (
            "uv, user, index",
            home / ".config/uv/uv.toml",
            '[[index]]\nurl = "NO"\n[[index]]\nurl = "URL"\ndefault = true\n',
        ),
    ]
    for number, (_, file, text) in enumerate(places):
        write(file, text.replace("URL", f"https://index.example/{number}"))
        assert default_index_url() == f"https://index.example/{number}"
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/pip")
    assert default_index_url() == "https://index.example/6"  # uv's files before anything of pip
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    assert default_index_url() == "https://index.example/pip"
    monkeypatch.setenv("UV_INDEX_URL", "https://index.example/old")
    assert default_index_url() == "https://index.example/old"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "name=https://index.example/new")
    assert default_index_url() == "https://index.example/new"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://index.example/new?a=b")
    assert default_index_url() == "https://index.example/new?a=b"


def test_variables_are_expanded(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    write(
        home / "venv/pip.conf", "[global]\nindex-url = https://${INDEX_USER}:${INDEX_TOKEN}@index.example/%20${nope}\n"
    )
    monkeypatch.setenv("INDEX_USER", "someone")
    assert default_index_url() == "https://someone:${INDEX_TOKEN}@index.example/%20${nope}"


def test_broken_files_are_passed_over(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    without_etc(monkeypatch)
    write(home / "venv/pip.conf", "no section\n")
    write(home / ".config/uv/uv.toml", "= broken")
    write(home / "system/pip/pip.conf", "[global]\nindex-url = https://index.example/\ncert = /certificates.pem\n")
    assert default_index_url() == "https://index.example/"
    assert certificate_bundle() == "/certificates.pem"
    monkeypatch.setenv("PIP_CERT", "/other.pem")
    assert certificate_bundle() == "/other.pem"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_CERT")
    assert certificate_bundle() is None
