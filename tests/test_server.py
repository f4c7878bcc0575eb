"""The language server, asked over standard input and output as editors do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from editor import Editor
from lsprotocol import types
from projects import shop_in

VIEWS, MODELS = "django_shop/views.py", "django_shop/models.py"

Made = TypeVar("Made")


def codes(diagnostics: list[types.Diagnostic]) -> list[tuple[object, int]]:
    return [(each.code, each.range.start.line + 1) for each in diagnostics]


def talk(editor: Editor, conversation: Callable[[Editor], Awaitable[Made]], *folders: Path) -> Made:
    async def whole() -> Made:
        await editor.start(*folders)
        made = await conversation(editor)
        await editor.stop()
        return made

    return asyncio.run(whole())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shop_in(tmp_path / "shop", "")


def expected(root: Path, path: str) -> list[tuple[object, int]]:
    from slowpath.config import settings_of
    from slowpath.workspace import run

    report = run(root, settings_of(root), [path], cache=False, jobs=1)
    return [(finding.code, finding.span.line) for finding in report.findings]


def test_a_file_is_followed_from_open_to_close(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        first = await editor.diagnostics(VIEWS)
        assert codes(first) == expected(root, VIEWS)
        assert first[0].code_description is not None
        assert first[0].code_description.href.endswith("/rules/n-plus-one")
        assert [each.message for each in first[0].related_information or ()][-1].startswith("reads `customer`")
        # The file on disk stays as it is: what counts is what the editor shows.
        editor.write(VIEWS, "# one more line\n" + editor.texts[VIEWS].replace(".all()", ".none()"))
        second = await editor.diagnostics(VIEWS)
        assert (root / VIEWS).read_text(encoding="utf-8") != editor.texts[VIEWS]
        editor.save(VIEWS)
        assert codes(second) == expected(root, VIEWS)
        editor.close(VIEWS)
        await editor.until(lambda: not editor.published[VIEWS].diagnostics)
        assert editor.messages == []

    talk(Editor(root), conversation)


def test_progress_is_shown_while_a_large_project_is_read(root: Path) -> None:
    loop = "def names{0}():\n    return [order.customer.name for order in Order.objects.all()]\n"
    text = "\n\n".join(["from django_shop.models import Order", *(loop.format(number) for number in range(400))])
    (root / "django_shop" / "many.py").write_text(text, encoding="utf-8")

    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        await editor.until(lambda: "end" in kinds(editor))
        first, *reports, last = kinds(editor)
        assert (first, last, set(reports)) == ("begin", "end", {"report"})
        done = [value["percentage"] for value in editor.progress[1:-1]]  # type: ignore[index]
        assert done == sorted(done)

    def kinds(editor: Editor) -> list[str]:
        return [value["kind"] for value in editor.progress]  # type: ignore[index]

    talk(Editor(root), conversation)


def test_an_edit_elsewhere_is_seen_and_a_broken_one_is_not(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        editor.open(MODELS)
        first = codes(await editor.diagnostics(VIEWS))
        await editor.diagnostics(MODELS)
        editor.write(MODELS, "import this\n" + editor.texts[MODELS].replace("ForeignKey", "IntegerField"))
        await editor.until(lambda: codes(list(editor.published[VIEWS].diagnostics)) != first)
        editor.write(MODELS, (root / MODELS).read_text(encoding="utf-8"))
        await editor.until(lambda: codes(list(editor.published[VIEWS].diagnostics)) == first)
        editor.write(MODELS, "class (:\n" + editor.texts[MODELS])
        assert [(each.code, each.range.start.line) for each in await editor.diagnostics(MODELS)] == [("SLO001", 0)]
        editor.write(VIEWS, "# a line\n" + editor.texts[VIEWS])
        assert codes(await editor.diagnostics(VIEWS)) == [(code, line + 1) for code, line in first]

    talk(Editor(root), conversation)


def test_files_change_that_nobody_shows(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        first = codes(await editor.diagnostics(VIEWS))
        models = (root / MODELS).read_text(encoding="utf-8")
        (root / MODELS).write_text(models.replace("ForeignKey", "IntegerField"), encoding="utf-8")
        editor.changed(MODELS)
        await editor.until(lambda: codes(list(editor.published[VIEWS].diagnostics)) != first)
        (root / MODELS).write_text(models, encoding="utf-8")
        editor.changed(MODELS)
        await editor.until(lambda: codes(list(editor.published[VIEWS].diagnostics)) == first)
        (root / "pyproject.toml").write_text('[tool.slowpath]\nselect = ["SLO103"]\n', encoding="utf-8")
        editor.changed("pyproject.toml")
        only = [each for each in first if each[0] == "SLO103"]
        await editor.until(lambda: codes(list(editor.published[VIEWS].diagnostics)) == only)

    talk(Editor(root), conversation)


def test_renames(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        first = codes(await editor.diagnostics(VIEWS))
        later = "django_shop/pages.py"
        (root / VIEWS).rename(root / later)
        editor.close(VIEWS)
        files = [types.FileRename(editor.uri_of(VIEWS), editor.uri_of(later))]
        editor.client.workspace_did_rename_files(types.RenameFilesParams(files))
        editor.open(later)
        assert codes(await editor.diagnostics(later)) == first
        await editor.until(lambda: not editor.published[VIEWS].diagnostics)

    talk(Editor(root), conversation)


def test_the_whole_workspace(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        wanted = {
            path.relative_to(root).as_posix()
            for path in root.rglob("*.py")
            if expected(root, path.relative_to(root).as_posix())
        }
        assert len(wanted) > 1
        right = {path: expected(root, path) for path in wanted}
        # Files are told of as soon as something is known of them, and again when all is.
        await editor.until(
            lambda: {p: codes(list(e.diagnostics)) for p, e in editor.published.items() if e.diagnostics} == right
        )

    talk(Editor(root, settings={"diagnosticMode": "workspace"}), conversation)


def test_clients_that_ask_are_not_told(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        document = types.TextDocumentIdentifier(editor.uri_of(VIEWS))
        ask = editor.client.text_document_diagnostic_async
        first = await ask(types.DocumentDiagnosticParams(document))
        assert isinstance(first, types.RelatedFullDocumentDiagnosticReport)
        assert codes(list(first.items)) == expected(root, VIEWS)
        again = await ask(types.DocumentDiagnosticParams(document, previous_result_id=first.result_id))
        assert again.kind == "unchanged"
        editor.write(VIEWS, "\n" + editor.texts[VIEWS])
        moved = await ask(types.DocumentDiagnosticParams(document, previous_result_id=first.result_id))
        assert isinstance(moved, types.RelatedFullDocumentDiagnosticReport)
        assert codes(list(moved.items)) == [(code, line + 1) for code, line in codes(list(first.items))]
        await editor.until(lambda: editor.refreshed > 0)
        whole = await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams([]))
        assert {editor.path_of(each.uri) for each in whole.items} > {VIEWS}
        known = [types.PreviousResultId(each.uri, str(each.result_id)) for each in whole.items]
        same = await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(known))
        assert {each.kind for each in same.items} == {"unchanged"}
        assert editor.published == {}

    talk(Editor(root, pulls=True, settings={"diagnosticMode": "workspace"}), conversation)


def test_what_can_be_done_about_a_finding(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        editor.open(VIEWS)
        first = (await editor.diagnostics(VIEWS))[0]
        document = types.TextDocumentIdentifier(editor.uri_of(VIEWS))
        hover = await editor.client.text_document_hover_async(types.HoverParams(document, first.range.start))
        assert hover is not None
        assert "## What silences it" in hover.contents.value  # type: ignore[union-attr]
        nothing = types.Position(0, 0)
        assert await editor.client.text_document_hover_async(types.HoverParams(document, nothing)) is None
        asked = types.CodeActionParams(document, first.range, types.CodeActionContext([]))
        silence, read = await editor.client.text_document_code_action_async(asked) or ()
        assert isinstance(silence, types.CodeAction)
        assert silence.edit is not None
        (edit,) = (silence.edit.changes or {})[document.uri]
        lines = editor.texts[VIEWS].split("\n")
        assert edit.range.start.character == 0
        assert edit.range.end.character == len(lines[edit.range.start.line])
        lines[edit.range.start.line] = edit.new_text
        editor.write(VIEWS, "\n".join(lines))
        assert len(await editor.diagnostics(VIEWS)) == len(expected(root, VIEWS)) - 1
        assert read.title == "SLO101: read about n-plus-one"
        page = str(first.code_description and first.code_description.href)
        command = types.ExecuteCommandParams("slowpath.openDocumentation", [page])
        await editor.client.workspace_execute_command_async(command)
        assert editor.shown == [page]

    talk(Editor(root), conversation)


def test_several_roots_each_with_its_settings(root: Path, tmp_path: Path) -> None:
    other = shop_in(tmp_path / "other", 'select = ["SLO102"]', only="django_shop")

    async def conversation(editor: Editor) -> None:
        elsewhere = "../other/django_shop/views.py"
        editor.open(VIEWS)
        uri = (other / VIEWS).as_uri()
        text = (other / VIEWS).read_text(encoding="utf-8")
        item = types.TextDocumentItem(uri, "python", 1, text)
        editor.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        assert codes(await editor.diagnostics(VIEWS)) == expected(root, VIEWS)
        await editor.until(lambda: uri in editor.published)
        assert codes(list(editor.published[uri].diagnostics)) == expected(other, VIEWS), elsewhere

    talk(Editor(root), conversation, root, other)


def test_settings_that_cannot_be_meant_are_told_and_the_server_lives(root: Path) -> None:
    async def conversation(editor: Editor) -> None:
        await editor.until(lambda: len(editor.messages) == 1)
        assert editor.messages == [
            "the editor's settings: slowpath.confidense: no such key; did you mean `confidence`?"
        ]
        document = types.TextDocumentIdentifier("file:///nowhere.py")
        # A request that makes no sense is answered, and so is the next one.
        assert await editor.client.text_document_hover_async(types.HoverParams(document, types.Position(9, 9))) is None
        (root / "pyproject.toml").write_text("[tool.slowpath\n", encoding="utf-8")
        editor.open(VIEWS)
        await editor.until(lambda: len(editor.messages) == 2)
        assert "not valid TOML" in editor.messages[1]
        (root / "pyproject.toml").write_text("[tool.slowpath]\n", encoding="utf-8")
        editor.settings = {"select": ["SLO103"], "minSeverity": "note"}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        editor.close(VIEWS)
        editor.open(VIEWS)
        assert codes(await editor.diagnostics(VIEWS)) == [e for e in expected(root, VIEWS) if e[0] == "SLO103"]

    talk(Editor(root, settings={"confidense": "high"}), conversation)


def test_columns_are_counted_as_the_client_counts(root: Path) -> None:
    text = (
        "from django_shop.models import Order\n\n\ndef names():\n"
        '    return ["\N{PILE OF POO}", *(order.customer.name for order in Order.objects.all())]\n'
    )

    async def conversation(editor: Editor) -> None:
        editor.open("django_shop/wide.py", text)
        (found,) = await editor.diagnostics("django_shop/wide.py")
        line = text.splitlines()[4]
        assert found.range.start.character == len(line[: line.index("Order.objects")].encode("utf-16-le")) // 2

    talk(Editor(root), conversation)
