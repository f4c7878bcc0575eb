"""The guides are followed to the letter, in a new environment and a new repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import AUTHOR, OFFLINE, ROOT, commit, git, hooks_in

DOCS = ROOT / "docs"
# What a person does with these is no command that ends.
_STAYS = ("slowpath server", "slowpath watch")
_NAMES_NOTHING = ("slowpath why FILE:LINE", "slowpath why", "slowpath db snapshot URL")
# A command with one of these in it ends with 1 when it finds something.
_FINDS = ("slowpath check", "flake8 ")
_OURS = ("CI", "GITHUB_", "GITLAB_", "SLOWPATH_", "PYTHON", "VIRTUAL_ENV", "NO_COLOR", "FORCE_COLOR")
_GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"}


def blocks(page: str, *languages: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


class Person:
    """Somebody with an environment of their own, in a shell."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            **{name: value for name, value in AUTHOR.items() if name != "GIT_CONFIG_GLOBAL"},
            "HOME": str(home),
            "PATH": os.pathsep.join([str(home / "venv" / "bin"), os.environ["PATH"]]),
            "PYTHONUTF8": "1",
            # Where our wheel is; the registry's own would be of another version.
            "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {home / 'wheels'}",
            # Where packages come from is this machine's affair.
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip")),
            "PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE", str(Path.home() / ".config" / "pip" / "pip.conf")),
        }

    def does(self, command: str, environment: Mapping[str, str] = {}) -> tuple[int, str]:
        """The status and what was printed; a change of folder stays."""
        place = self.home / "place"
        ended = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", f"trap 'pwd >{place}' EXIT\n{command}"],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
            timeout=300,
        )
        self.folder = Path(place.read_text(encoding="utf-8").strip())
        return ended.returncode, ended.stdout


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Has an empty environment, in which `pip install slowpath` installs what is here, and nothing else."""
    home = tmp_path_factory.mktemp("home")
    wheels = home / "wheels"
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT],
        check=False,
        capture_output=True,
        text=True,
    )
    if any(word in made.stderr for word in OFFLINE):
        pytest.skip("needs a registry of packages")
    assert made.returncode == 0, made.stderr
    hooks = hooks_in(home / "hooks")
    git(hooks, "tag", "v0.1.0")
    (home / ".gitconfig").write_text(
        f'[url "{hooks.as_uri()}"]\n\tinsteadOf = https://github.com/slowpath/slowpath\n', encoding="utf-8"
    )
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    return Person(home)


@pytest.fixture
def person(newcomer: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Person:
    """Stands beside a service with one slow path, of which `main` is elsewhere too."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from screenshot import MODELS, VIEWS

    origin = tmp_path / "origin"
    (origin / "shop").mkdir(parents=True)
    for name, text in (("__init__", ""), ("models", MODELS), ("views", VIEWS)):
        (origin / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    (origin / ".gitignore").write_text(".slowpath_cache\n", encoding="utf-8")
    git(origin, "init", "--quiet", "--initial-branch=main")
    commit(origin)
    git(tmp_path, "clone", "--quiet", str(origin), "your-service")
    newcomer.folder = tmp_path
    return newcomer


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with what the page says it prints."""
    lines = block.splitlines()
    if not block.startswith("$ "):
        yield from ((line, []) for line in lines)
        return
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start][2:], lines[start + 1 : end]


def pattern(line: str) -> str:
    """What a line of a page stands for: numbers are others, and `…` is anything."""
    return re.sub(r"[\d,.]*\d", r"[\\d,.]+", re.escape(line).replace(r"\.", ".")).replace("…", ".*")


def follow(person: Person, block: str) -> None:
    for command, printed in steps(block):
        if command.partition("#")[0].strip() in _STAYS:
            continue
        status, output = person.does(command)
        assert status == 0 or (status == 1 and any(word in command for word in _FINDS)), (command, output)
        for line in printed:
            assert re.search(f"^{pattern(line)}$", output, re.MULTILINE), (command, line, output)


@pytest.mark.parametrize("page", ["index", "flake8", "existing-code", "reports", "pre-commit"])
def test_a_guide(person: Person, page: str) -> None:
    if page != "index":
        person.does("pip install slowpath")
        person.does("cd your-service")
    found = blocks(f"docs/{page}.md", "console", "bash")
    assert found
    for block in found:
        if "| reviewdog" not in block:
            follow(person, block)


def test_what_pages_mention_can_be_typed(person: Person) -> None:
    person.does("pip install slowpath")
    person.does("cd your-service; echo >>shop/views.py; git diff >change.patch")
    pages = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in DOCS.glob("*.md"))]
    mentioned = {each for page in pages for each in re.findall(r"`(slowpath [a-z][^`\n]*)`", (ROOT / page).read_text())}
    assert len(mentioned) > 15
    for command in sorted(mentioned.difference(_STAYS, _NAMES_NOTHING)):
        status, output = person.does(command)
        assert status == 0 or (status == 1 and "slowpath check" in command), (command, output)
        assert output, command


def workflow_of(block: str) -> dict[str, Any]:
    """The workflow that a block is, or that its steps stand in."""
    (whole, *_) = blocks("docs/reports.md", "yaml")
    document = yaml.safe_load(block)
    workflow = yaml.safe_load(whole)
    if isinstance(document, list):
        (job,) = workflow["jobs"].values()
        before = [step for step in job["steps"] if "slowpath check" not in step.get("run", "")]
        job["steps"] = document if "uses" in document[0] else [*before[:-1], *document]
        return dict(workflow)
    return dict(document)


YAML = [(page, block) for page in ("docs/reports.md", "docs/pre-commit.md") for block in blocks(page, "yaml")]
GITLAB = [block for _, block in YAML if "script:" in block]
GITHUB = [block for _, block in YAML if "run:" in block]
HOOKS = [block for _, block in YAML if block not in GITLAB + GITHUB]


def test_every_example_is_of_a_kind() -> None:
    assert (len(GITHUB), len(GITLAB), len(HOOKS)) == (3, 1, 4)


@pytest.mark.parametrize("block", GITHUB, ids=["code scanning", "annotations", "since"])
def test_a_github_workflow(person: Person, block: str, tmp_path: Path) -> None:
    workflow = workflow_of(block)
    validate(workflow, "github-workflows", tmp_path)
    (job,) = workflow["jobs"].values()
    person.does(
        "cd your-service; git checkout --quiet -b change; echo 'names = [o.user.email for o in 1]' >shop/more.py"
    )
    person.does("sed -i 's/order.user.email/order.user.email.lower()/' shop/views.py")
    output = ""
    for step in job["steps"]:
        if "run" not in step:
            continue
        status, output = person.does(step["run"], _GITHUB)
        # The service is slow: the step that says so fails, and the job too unless it goes on.
        assert status == ("slowpath check" in step["run"]), output
        assert status == 0 or step.get("continue-on-error") or step is job["steps"][-1]
    if "sarif" in block:
        report = json.loads((person.folder / job["steps"][-1]["with"]["sarif_file"]).read_text(encoding="utf-8"))
        assert len(report["runs"][0]["results"]) == 1
    else:
        assert output.startswith("::warning ")
        assert ",file=shop/views.py,line=7," in output


def test_the_gitlab_job(person: Person, tmp_path: Path) -> None:
    (block,) = GITLAB
    document = yaml.safe_load(block)
    validate(document, "gitlab-ci", tmp_path)
    (job,) = document.values()
    person.does("cd your-service")
    statuses = [person.does(line, {"CI_PROJECT_DIR": str(person.folder)})[0] for line in job["script"]]
    assert statuses == [0, 1]
    report = person.folder / job["artifacts"]["reports"]["codequality"]
    (found,) = json.loads(report.read_text(encoding="utf-8"))
    assert found["location"]["path"] == "shop/views.py"


def validate(document: Mapping[str, Any], schema: str, folder: Path) -> None:
    """Against the schema that editors use."""
    pytest.importorskip("check_jsonschema")
    file = folder / f"{schema}.yml"
    # YAML 1.1 reads `on` as true.
    text = yaml.safe_dump({"on" if key is True else key: value for key, value in document.items()})
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", f"--builtin-schema=vendor.{schema}", file]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_the_hooks_of_pre_commit(person: Person) -> None:
    whole, of_one, of_changes, beside_flake8 = (yaml.safe_load(block) for block in HOOKS)
    person.does("cd your-service")
    file = person.folder / ".pre-commit-config.yaml"
    assert person.does("pip install pre-commit")[0] == 0
    (ours,) = whole["repos"]
    for hooks, more in (of_one, []), ([*ours["hooks"], *of_changes], beside_flake8):
        config = {"repos": [{**ours, "hooks": hooks}, *more]}
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        assert person.does("pre-commit validate-config") == (0, "")
    file.write_text(yaml.safe_dump({"repos": [{**ours, "hooks": [*of_one, *of_changes]}]}), encoding="utf-8")
    status, output = person.does("pre-commit install; git add .pre-commit-config.yaml; git commit -m hooks")
    assert status == 0, output
    person.does("echo '# more' >>shop/views.py")
    status, output = person.does("git commit -am more")
    assert status == 1
    assert re.search(r"slowpath\.+Failed\n.*\n.*\n\nshop/views.py:7:14 SLO101", output), output
    assert re.search(r"slowpath \(what the commit makes slow\)\.+Passed", output), output
    person.does("sed -i 's/user.email/user.email.lower()/' shop/views.py")
    status, output = person.does("git commit -am more")
    assert re.search(r"slowpath \(what the commit makes slow\)\.+Failed", output), output
