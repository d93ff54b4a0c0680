"""What a release needs: one version everywhere, and the files that tell people whom they trust."""

from __future__ import annotations

import re
import tomllib

from packaging.version import Version

import satlock
from tests.cli.scene import ROOT

_FILE = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT, TOOLS = _FILE["project"], _FILE["tool"]


def test_one_version() -> None:
    """That of the last release is in the changelog, and where no tag tells it; what is installed is that or later."""
    assert "version" in PROJECT["dynamic"]
    versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert versions[0] == "Unreleased" and versions[1] == TOOLS["hatch"]["version"]["fallback-version"]
    assert Version(satlock.__version__) >= Version(versions[1])


def test_the_license_is_the_one_that_is_stated() -> None:
    assert PROJECT["license"] == "MIT" and PROJECT["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")


def test_forms_ask_for_the_report() -> None:
    forms = [path.read_text("utf-8") for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")]
    assert len(forms) == 4 and sum("--report report.zip" in form for form in forms) == 2


def test_extras_name_what_is_imported_late() -> None:
    needed = {line.partition(">")[0] for line in PROJECT["dependencies"]}
    assert "cyclonedx-python-lib" not in needed
    assert PROJECT["optional-dependencies"]["sbom"][0].startswith("cyclonedx-python-lib>=")
