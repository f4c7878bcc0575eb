"""The plugin, in the flake8 that users run."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flake8.main.cli import main as flake8_main
from flake8.utils import stdin_get_value
from msgspec import Struct
from projects import shop_in

from slowpath.cli import main as slowpath_main

if not entry_points(group="flake8.extension", name="SLO"):
    pytest.skip("slowpath was installed before it had a plugin: install it again", allow_module_level=True)

START = """\
import multiprocessing

if __name__ == "__main__":
    multiprocessing.set_start_method({method!r})
    from flake8.main.cli import main

    raise SystemExit(main())
"""
FORMAT = "--format=%(path)s:%(row)d:%(col)d:%(code)s"
SLOW = """\
from django_shop.models import Product


def names():
    for product in Product.objects.all():
        print(product.category.name)
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shop_in(tmp_path / "shop")


class Ended(Struct, frozen=True):
    status: int
    out: str
    err: str


def started(folder: Path, *command: str, **environment: str) -> Ended:
    """A command in a process of its own."""
    process = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


def called(folder: Path, main: Callable[[list[str]], int], *arguments: str, stdin: str = "") -> Ended:
    """A command in this process, which takes a fifth of the time."""
    stdin_get_value.cache_clear()
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    text = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "stdin", text)
        try:
            status = main(list(arguments))
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
    return Ended(status, written(out), written(err))


def written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def flake8(folder: Path, *arguments: str, stdin: str = "") -> list[str]:
    """Where flake8 sees slow paths, and which."""
    return places(called(folder, flake8_main, FORMAT, "--jobs=1", *arguments, stdin=stdin))


def places(ended: Ended) -> list[str]:
    assert ended.err == ""
    assert ended.status == bool(ended.out), ended.out
    return sorted(line.removeprefix("./") for line in ended.out.splitlines() if ":SLO" in line)


def slowpath(folder: Path, *arguments: str) -> list[str]:
    """The same, as `slowpath check` has it."""
    ended = called(folder, slowpath_main, "check", "--output-format=json", *arguments)
    assert ended.status in (0, 1), ended.err
    return sorted(f"{each['path']}:{each['line']}:{each['column']}:{each['code']}" for each in json.loads(ended.out))


def test_flake8_says_what_slowpath_says(shared: Path) -> None:
    expected = slowpath(shared)
    assert len(expected) > 20
    assert flake8(shared) == expected
    assert places(started(shared, "-m", "flake8", FORMAT, "--jobs=3")) == expected
    assert places(started(shared, "-m", "flake8", FORMAT, "--jobs=3", "--slowpath-no-cache")) == expected


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_are_started_anew(shared: Path, tmp_path: Path, method: str) -> None:
    script = tmp_path / "start.py"
    script.write_text(START.format(method=method), encoding="utf-8")
    options = (FORMAT, "--jobs=3", "--select=SLO", "--slowpath-no-cache", ".")
    # The server that forks listens at a path below it, and such a path holds a hundred letters.
    with TemporaryDirectory() as left:
        assert places(started(shared, str(script), *options, TMPDIR=left, TEMP=left)) == slowpath(shared)
        assert not list(Path(left).glob("slowpath*"))


def test_the_message_says_what_to_do(shared: Path) -> None:
    ended = called(shared, flake8_main, "--jobs=1", "--select=SLO", "django_shop/views.py")
    assert ended.out.splitlines()[0] == (
        "django_shop/views.py:20:14: SLO101 n-plus-one: `customer` is read for each `order` but not loaded with these "
        'Order rows: 1 query per `order`; add `.select_related("customer")` to `Order.objects`'
    )


def codes(lines: list[str]) -> set[str]:
    return {line.rpartition(":")[2] for line in lines}


def test_flake8_chooses(shared: Path) -> None:
    every = codes(flake8(shared))
    assert {"SLO101", "SLO102", "SLO103"} <= every
    assert codes(flake8(shared, "--select=SLO101,SLO103")) == {"SLO101", "SLO103"}
    assert codes(flake8(shared, "--extend-ignore=SLO101")) == every - {"SLO101"}
    assert codes(flake8(shared, "--select=E,W,F")) == set()
    assert codes(flake8(shared, "--select=SLO", "--slowpath-min-severity=error")) == set()
    ignored = flake8(shared, "--per-file-ignores=django_shop/*:SLO1,SLO4")
    assert ignored == [line for line in flake8(shared) if not line.startswith("django_shop/")]


def test_what_is_off_by_default_is_on_when_it_is_selected(shop: Path) -> None:
    (shop / "shipping.py").write_text(
        "import requests\n\n\ndef ship(orders: list):\n    for order in orders:\n"
        '        requests.post("https://example.com", json={"order": order}, timeout=5)\n',
        encoding="utf-8",
    )
    assert slowpath(shop, "--select=SLO107", "shipping.py") == ["shipping.py:6:9:SLO107"]
    assert flake8(shop, "--select=SLO", "shipping.py") == []
    assert flake8(shop, "--select=SLO107", "shipping.py") == ["shipping.py:6:9:SLO107"]
    assert flake8(shop, "--extend-select=SLO107", "shipping.py") == ["shipping.py:6:9:SLO107"]
    assert flake8(shop, "--select=SLO999", "shipping.py") == []


def test_nothing_is_analysed_for_nothing(shop: Path) -> None:
    flake8(shop, "--select=F")
    flake8(shop, "--extend-ignore=SLO")
    assert called(shop, flake8_main, "--version").status == 0
    assert not (shop / ".slowpath_cache").exists()
    flake8(shop)
    assert (shop / ".slowpath_cache").exists()


@pytest.mark.parametrize(
    ("comment", "silent"),
    [
        ("# noqa", True),
        ("# noqa: E501,SLO101", True),
        ("# noqa: E501", False),
        ("# slowpath: allow[n-plus-one] three of them", True),
    ],
)
def test_comments(shop: Path, comment: str, silent: bool) -> None:
    rows = "    for product in Product.objects.all():"
    (shop / "names.py").write_text(SLOW.replace(rows, f"{rows}  {comment}"), encoding="utf-8")
    place = [] if silent else ["names.py:5:20:SLO101"]
    assert flake8(shop, "names.py") == slowpath(shop, "names.py") == place
    without = flake8(shop, "--disable-noqa", "names.py")
    assert without == ([] if "allow" in comment else ["names.py:5:20:SLO101"])


def test_a_file_that_flake8_leaves_alone(shop: Path) -> None:
    (shop / "names.py").write_text(f"# flake8: noqa\n{SLOW}", encoding="utf-8")
    assert flake8(shop, "names.py") == slowpath(shop, "names.py") == []


@pytest.mark.parametrize("name", ["django_shop/names.py", "names.py", "django_shop/views.py"])
def test_text_from_an_editor(shared: Path, name: str) -> None:
    assert flake8(shared, f"--stdin-display-name={name}", "-", stdin=SLOW) == [f"{name}:5:20:SLO101"]
    absolute = shared / name
    assert flake8(shared, f"--stdin-display-name={absolute}", "-", stdin=SLOW) == [f"{absolute}:5:20:SLO101"]
    assert flake8(shared, f"--stdin-display-name={name}", "-", stdin="x = 1\n") == []


def test_text_without_a_name(shared: Path) -> None:
    assert flake8(shared, "-", stdin=SLOW) == ["stdin:5:20:SLO101"]


def test_text_that_cannot_be_parsed_is_flake8s_business(shared: Path) -> None:
    ended = called(shared, flake8_main, "--stdin-display-name=names.py", "-", stdin="def f(:\n")
    assert "E999" in ended.out
    assert "SLO" not in ended.out


def test_a_file_of_another_place(shared: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text(SLOW, encoding="utf-8")
    # Nobody knows the models there.
    assert flake8(shared, str(elsewhere)) == slowpath(shared, str(elsewhere)) == []
    views = str(shared / "django_shop" / "views.py")
    assert len(flake8(tmp_path, views)) == len(slowpath(shared, "django_shop/views.py"))


def test_settings_of_flake8s_own_file(shop: Path) -> None:
    (shop / "setup.cfg").write_text("[flake8]\nselect = SLO\nslowpath-min-severity = error\n", encoding="utf-8")
    assert flake8(shop) == []
    (shop / "setup.cfg").write_text("[flake8]\nselect = SLO\nslowpath-confidence = medium\n", encoding="utf-8")
    assert flake8(shop) == slowpath(shop)


def test_a_wrong_setting_is_one_sentence(shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.slowpath]\nignroe = []\n", encoding="utf-8")
    ended = called(shop, flake8_main, "--select=SLO")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("slowpath: ")
    assert ended.err.endswith("tool.slowpath.ignroe: no such key; did you mean `ignore`?\n")
