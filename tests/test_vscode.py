"""The extension for VS Code: it can be built and packaged, and says what the server understands."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from projects import OFFLINE, ROOT

import slowpath
from slowpath.lsp.preferences import preferences_of

EXTENSION = ROOT / "editors" / "vscode"
NPM = shutil.which("npm")


def test_its_settings_are_those_of_the_server() -> None:
    manifest = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    assert manifest["version"] == slowpath.__version__
    properties = manifest["contributes"]["configuration"]["properties"]
    settings = {name.removeprefix("slowpath."): each for name, each in properties.items()}
    preferences_of({name: each["default"] for name, each in settings.items()})
    for name, each in settings.items():
        for value in each.get("enum", ()):
            preferences_of({name: value})


@pytest.mark.skipif(NPM is None, reason="needs npm (Node.js)")
def test_it_can_be_packaged(tmp_path: Path) -> None:
    folder = tmp_path / "vscode"
    # What lies around there from somebody's own build is left behind.
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "package-lock.json"))
    npm = [str(NPM), "--no-audit", "--no-fund", "--prefer-offline"]
    install = subprocess.run([*npm, "install"], cwd=folder, check=False, capture_output=True, text=True)
    if any(word in install.stderr for word in OFFLINE):
        pytest.skip("needs the npm registry")
    assert install.returncode == 0, install.stderr
    package = folder / "slowpath.vsix"
    command = [*npm, "exec", "--", "vsce", "package", "--no-dependencies", "--skip-license", "--out", str(package)]
    made = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
        assert {"extension/package.json", "extension/readme.md", "extension/dist/extension.js"} <= names
        assert not any("node_modules" in name for name in names)
        assert '"server"' in archive.read("extension/dist/extension.js").decode()
