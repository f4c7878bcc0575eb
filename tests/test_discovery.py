"""Which files a project has, and what they say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slowpath.discovery import is_below, listing_of, read
from slowpath.finding import Skipped
from slowpath.source import Source


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x = 1\n", encoding="utf-8")


def found(root: Path, *exclude: str) -> list[str]:
    return [file.path for file in listing_of(root, exclude).files]


def test_files_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/z.py", "a/b/c.py", "a.py", "a/notes.txt", "Z.py", "a/stub.pyi")
    assert found(tmp_path) == ["Z.py", "a.py", "a/b/c.py", "a/z.py", "b.py"]
    file = listing_of(tmp_path).files[1]
    assert (file.size, file.mtime_ns) == (6, (tmp_path / "a.py").stat().st_mtime_ns)


def test_what_is_not_the_project_s_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        "shop/views.py",
        ".git/hooks/pre.py",
        ".venv/lib/x.py",
        "env/pyvenv.cfg",
        "env/lib/python3.12/x.py",
        "web/node_modules/gyp/x.py",
        "shop/__pycache__/x.py",
        "vendor/site-packages/x.py",
        "build/lib/shop/views.py",
        "dist/x.py",
    )
    assert found(tmp_path) == ["shop/views.py"]


def test_a_package_called_build_is_code(tmp_path: Path) -> None:
    write(tmp_path, "shop/build/__init__.py", "shop/build/steps.py")
    assert found(tmp_path) == ["shop/build/__init__.py", "shop/build/steps.py"]


def test_a_project_that_is_itself_a_virtual_environment(tmp_path: Path) -> None:
    write(tmp_path, "pyvenv.cfg", "app.py", "lib/python3.12/site-packages/x.py")
    assert found(tmp_path) == ["app.py"]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("legacy", "a/b/api.py a/gen/x.py api.py"),
        ("legacy/", "a/b/api.py a/gen/x.py api.py"),
        ("./legacy/**", "a/b/api.py a/gen/x.py api.py"),
        ("gen", "a/b/api.py api.py legacy/api.py"),
        ("**/gen/*.py", "a/b/api.py api.py legacy/api.py"),
        ("a/*.py", "a/b/api.py a/gen/x.py api.py legacy/api.py"),
        ("a/**/*.py", "api.py legacy/api.py"),
        ("api.py", "a/gen/x.py"),
        ("/api.py", "a/b/api.py a/gen/x.py legacy/api.py"),
        ("**/api.py", "a/gen/x.py"),
        ("?pi.py", "a/gen/x.py"),
        ("ap", "a/b/api.py a/gen/x.py api.py legacy/api.py"),
        ("[a].py", "a/b/api.py a/gen/x.py api.py legacy/api.py"),
    ],
)
def test_excluded(tmp_path: Path, glob: str, left: str) -> None:
    write(tmp_path, "api.py", "legacy/api.py", "a/b/api.py", "a/gen/x.py")
    assert found(tmp_path, glob) == left.split()


def test_several_globs(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.py", "c.py")
    assert found(tmp_path, "a.py", "b.*") == ["c.py"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "shop/views.py")
    write(outside, "secret.py")
    (root / "circle").symlink_to(root, target_is_directory=True)
    (root / "out").symlink_to(outside, target_is_directory=True)
    (root / "secret.py").symlink_to(outside / "secret.py")
    (root / "dangling.py").symlink_to(root / "nowhere.py")
    assert found(root) == ["shop/views.py"]
    assert listing_of(root).skipped == ()


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    assert found(tmp_path) == []


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.py")).touch()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    (skipped,) = listing_of(tmp_path).skipped
    assert skipped == Skipped("SLO001", r"caf\xe9.py", 1, 1, "its name is not UTF-8")


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    (skipped,) = listing_of(tmp_path / "gone").skipped
    assert skipped.reason == "cannot be listed: no such file or directory"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"x = 1\r\ny = 2\n", "x = 1\r\ny = 2\n"),
        ("name = 'Zoë'\n".encode(), "name = 'Zoë'\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"# coding: latin-1\nname = 'Zo\xeb'\n", "# coding: latin-1\nname = 'Zoë'\n"),
        (b"#!/bin/python\n# -*- coding: cp1252 -*-\n'\x80'\n", "#!/bin/python\n# -*- coding: cp1252 -*-\n'€'\n"),
        (b"\n\n# coding: latin-1\n", "\n\n# coding: latin-1\n"),
    ],
)
def test_text(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    source = read(tmp_path, "a.py")
    assert isinstance(source, Source)
    assert (source.path, source.text) == ("a.py", text)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"x = 1\nname = 'Zo\xeb'\n", 2, "not utf-8: byte 0xeb"),
        (b"# coding: nonsense\n", 1, "cannot be decoded: unknown encoding: nonsense"),
        (b"# coding: punycode\nabc-def\n", 1, "cannot be decoded: `punycode` is no encoding for a file"),
        (b"# coding: hex\n00\n", 1, "cannot be decoded: 'hex' is not a text encoding"),
        (b"x\n\0\n", 2, "not a text file: it has null bytes"),
        (b"x = 1\n" * 20, 1, "larger than 100 bytes (`max-file-size`)"),
    ],
)
def test_no_text(tmp_path: Path, data: bytes, line: int, reason: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    skipped = read(tmp_path, "a.py", limit=100)
    assert isinstance(skipped, Skipped)
    assert (skipped.code, skipped.path, skipped.line) == ("SLO001", "a.py", line)
    assert skipped.reason.startswith(reason)


def test_unreadable(tmp_path: Path) -> None:
    missing = read(tmp_path, "gone.py")
    assert isinstance(missing, Skipped)
    assert missing.reason == "cannot be read: no such file or directory"
    write(tmp_path, "a.py")
    (tmp_path / "a.py").chmod(0)
    if os.access(tmp_path / "a.py", os.R_OK):
        pytest.skip("this user may read everything")
    skipped = read(tmp_path, "a.py")
    assert isinstance(skipped, Skipped)
    assert skipped.reason == "cannot be read: permission denied"


@pytest.mark.parametrize(
    ("path", "targets", "below"),
    [
        ("shop/views.py", [""], True),
        ("shop/views.py", ["shop"], True),
        ("shop/views.py", ["other", "shop/views.py"], True),
        ("shopping/views.py", ["shop"], False),
        ("shop/views.py", [], False),
    ],
)
def test_below(path: str, targets: list[str], below: bool) -> None:
    assert is_below(path, targets) is below
