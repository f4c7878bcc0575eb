"""An editor for tests: a client of the language server that remembers what it is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

PATIENCE = 60


class Editor:
    """A client that remembers what it is told."""

    def __init__(self, root: Path, *, pulls: bool = False, settings: dict[str, object] | None = None) -> None:
        self.root = root
        self.pulls = pulls
        self.settings = settings
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self.messages: list[str] = []
        self.progress: list[object] = []
        self.refreshed = 0
        self.shown: list[str] = []
        self.versions: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.client = LanguageClient("editor", "1")
        self._news = asyncio.Event()
        self._listen()

    def _listen(self) -> None:
        feature = self.client.feature

        @feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.published[self.path_of(params.uri)] = params
            self._news.set()

        @feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)
            self._news.set()

        @feature(types.PROGRESS)
        def progress(params: types.ProgressParams) -> None:
            self.progress.append(params.value)
            self._news.set()

        @feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def create(params: types.WorkDoneProgressCreateParams) -> None:
            return None

        @feature(types.WORKSPACE_DIAGNOSTIC_REFRESH)
        def refresh(params: None) -> None:
            self.refreshed += 1
            self._news.set()

        @feature(types.WORKSPACE_CONFIGURATION)
        def configuration(params: types.ConfigurationParams) -> list[object]:
            return [self.settings for _ in params.items]

        @feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None:
            return None

        @feature(types.WINDOW_SHOW_DOCUMENT)
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.shown.append(params.uri)
            return types.ShowDocumentResult(success=True)

    async def start(self, *folders: Path) -> types.InitializeResult:
        await self.client.start_io(sys.executable, "-m", "slowpath", "server")
        capabilities = types.ClientCapabilities(
            window=types.WindowClientCapabilities(
                work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
            ),
            workspace=types.WorkspaceClientCapabilities(
                configuration=True,
                diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True) if self.pulls else None,
                did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
            ),
            text_document=types.TextDocumentClientCapabilities(
                diagnostic=types.DiagnosticClientCapabilities() if self.pulls else None
            ),
        )
        opened = [types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders or (self.root,)]
        result = await self.client.initialize_async(
            types.InitializeParams(capabilities=capabilities, workspace_folders=opened)
        )
        self.client.initialized(types.InitializedParams())
        return result

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()

    def uri_of(self, path: str) -> str:
        return (self.root / path).as_uri()

    def path_of(self, uri: str) -> str:
        return uri.removeprefix(f"{self.root.as_uri()}/")

    def open(self, path: str, text: str | None = None) -> None:
        self.texts[path] = text if text is not None else (self.root / path).read_text(encoding="utf-8")
        self.versions[path] = 1
        item = types.TextDocumentItem(self.uri_of(path), "python", 1, self.texts[path])
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def close(self, path: str) -> None:
        item = types.TextDocumentIdentifier(self.uri_of(path))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(item))

    def write(self, path: str, text: str) -> None:
        self.texts[path] = text
        self.versions[path] += 1
        item = types.VersionedTextDocumentIdentifier(self.versions[path], self.uri_of(path))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(item, [change]))

    def save(self, path: str) -> None:
        (self.root / path).write_text(self.texts[path], encoding="utf-8")
        item = types.TextDocumentIdentifier(self.uri_of(path))
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(item))

    def changed(self, path: str) -> None:
        event = types.FileEvent(self.uri_of(path), types.FileChangeType.Changed)
        self.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), PATIENCE)

    async def diagnostics(self, path: str) -> list[types.Diagnostic]:
        """Those of the text as it is."""
        await self.until(lambda: path in self.published and self.published[path].version == self.versions[path])
        return list(self.published[path].diagnostics)
