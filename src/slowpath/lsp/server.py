"""The server as clients see it: what they may ask, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

import slowpath
from slowpath.config import ConfigError, Settings
from slowpath.lsp.conversion import OPEN_DOCUMENTATION, SOURCE, Page, Writer
from slowpath.lsp.desk import Closed, Desk, Looked, Opened, Stopped, Wrote
from slowpath.lsp.preferences import Preferences, preferences_of
from slowpath.session import Said
from slowpath.source import digest_of

_FILES = types.FileOperationRegistrationOptions(
    [types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
)
_DIAGNOSTICS = types.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=True, identifier=SOURCE)
_ACTIONS = types.CodeActionOptions([types.CodeActionKind.QuickFix])


class Server(LanguageServer):
    """What is known of the client, and the last that was said of every file."""

    def __init__(self) -> None:
        super().__init__(SOURCE, slowpath.__version__)
        self.preferences = Preferences()
        self._pages: dict[str, Page] = {}
        self._uris: dict[Path, str] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._progress: dict[Path, str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.desk = Desk(self)

    def start(self) -> None:
        """Begin to work, now that the client is known."""
        self._loop = asyncio.get_running_loop()
        self.desk.start()
        self.open()

    def open(self) -> None:
        """Let the desk know which folders there are, and what is preferred."""
        folders = [uris.to_fs_path(folder.uri) for folder in self.workspace.folders.values()]
        if not folders and self.workspace.root_path:
            folders = [self.workspace.root_path]
        paths = tuple(Path(folder).resolve() for folder in folders if folder)
        self.desk.put(Opened(paths, self.preferences))

    def prefer(self, raw: object) -> None:
        """Take what the editor's settings say; when that cannot be meant, say so and stay with what was."""
        if not isinstance(raw, Mapping):
            return
        try:
            self.preferences = preferences_of(raw)
        except ConfigError as error:
            self._complain(str(error))

    def wrote(self, document: TextDocument) -> None:
        """Look at the text of a document."""
        path = _path_of(document.uri)
        if path is not None:
            self._uris[path] = document.uri
            self.desk.put(Wrote(path, document.source, document.version or 0))

    def closed(self, uri: str) -> None:
        """Forget what the editor showed."""
        path = _path_of(uri)
        if path is not None:
            self.desk.put(Closed(path))
            self._uris.pop(path, None)
            if self.preferences.mode == "openFiles":
                self._pages.pop(uri, None)
                self._publish(uri, None, ())

    @property
    def writer(self) -> Writer:
        """How this client wants things written."""
        return Writer(self.workspace.position_codec, self._uri_of)

    @property
    def pulls(self) -> bool:
        """Whether the client asks for diagnostics, and again when it is told to."""
        document, workspace = self.client_capabilities.text_document, self.client_capabilities.workspace
        asks = document is not None and document.diagnostic is not None
        again = workspace.diagnostics if workspace is not None else None
        return asks and again is not None and bool(again.refresh_support)

    @property
    def shows(self) -> bool:
        """Whether the client can open a page of documentation."""
        window = self.client_capabilities.window
        return window is not None and window.show_document is not None and window.show_document.support

    def page(self, uri: str) -> Page | None:
        """The last that was said of a file."""
        return self._pages.get(uri)

    def pages(self) -> list[Page]:
        """The last that was said of every file, of open ones only unless all are wanted."""
        return [page for _, page in sorted(self._pages.items())]

    async def page_now(self, uri: str) -> Page:
        """What is said of the document as it is shown now."""
        version = self.workspace.get_text_document(uri).version or 0
        while (page := self._pages.get(uri)) is None or page.version is None or page.version < version:
            await self._news.setdefault(uri, asyncio.Event()).wait()
        return page

    def said(self, root: Path, path: str, version: int | None, said: Said) -> None:
        """Called by the desk."""
        self._tell(self._said, root, path, version, said)

    def working(self, root: Path, done: int, total: int) -> None:
        """Called by the desk."""
        self._tell(self._working, root, done, total)

    def settled(self, root: Path) -> None:
        """Called by the desk."""
        self._tell(self._settled, root)

    def complain(self, message: str) -> None:
        """Called by the desk."""
        self._tell(self._complain, message)

    def _tell(self, what: Callable[..., None], *given: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *given)

    def _said(self, root: Path, path: str, version: int | None, said: Said) -> None:
        uri = self._uri_of(root / path)
        page = self._pages[uri] = Page(uri, root, path, version, said)
        if not self.pulls:
            self._publish(uri, version, self.writer.diagnostics(page))
        news = self._news.pop(uri, None)
        if news is not None:
            news.set()

    def _publish(self, uri: str, version: int | None, diagnostics: Sequence[types.Diagnostic]) -> None:
        if not self.pulls:
            params = types.PublishDiagnosticsParams(uri, diagnostics, version)
            self.text_document_publish_diagnostics(params)

    def _working(self, root: Path, done: int, total: int) -> None:
        window = self.client_capabilities.window
        if window is None or not window.work_done_progress:
            return
        percentage = 100 * done // max(total, 1)
        token = self._progress.get(root)
        if token is None:
            token = self._progress[root] = f"slowpath {root}"
            begin = types.WorkDoneProgressBegin(f"slowpath: reading {root.name}", percentage=percentage)
            self.work_done_progress.create(token, partial(self._begin, token, begin))
        elif token in self.work_done_progress.tokens:
            self.work_done_progress.report(token, types.WorkDoneProgressReport(percentage=percentage))

    def _begin(self, token: str, begin: types.WorkDoneProgressBegin, _: object = None) -> None:
        self.work_done_progress.begin(token, begin)
        if token not in self._progress.values():
            self._end(token)

    def _settled(self, root: Path) -> None:
        token = self._progress.pop(root, None)
        if token in self.work_done_progress.tokens:
            self._end(str(token))
        if self.pulls:
            self.workspace_diagnostic_refresh(None)

    def _end(self, token: str) -> None:
        self.work_done_progress.end(token, types.WorkDoneProgressEnd())
        self.work_done_progress.tokens.pop(token, None)

    def _complain(self, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def _uri_of(self, path: Path) -> str:
        return self._uris.get(path) or uris.from_fs_path(str(path)) or path.as_uri()


def _path_of(uri: str) -> Path | None:
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path).resolve() if path else None


def result_id(diagnostics: Sequence[types.Diagnostic]) -> str:
    """Tells whether a client has these already."""
    return digest_of(repr(diagnostics))


def serve() -> None:
    """Talk to a client on standard input and output, until it says that this was all."""
    made().start_io()


def made() -> Server:
    """A server with all that it can do."""
    server = Server()
    _follow_documents(server)
    _follow_files(server)
    _answer_for_documents(server)
    return server


def _follow_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        server.wrote(server.workspace.get_text_document(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if server.preferences.run == "onType":
            server.wrote(server.workspace.get_text_document(params.text_document.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        if server.preferences.run == "onSave":
            server.wrote(server.workspace.get_text_document(params.text_document.uri))
        server.desk.put(Looked())

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        server.closed(params.text_document.uri)


def _follow_files(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        options = params.initialization_options
        server.prefer(options.get("settings", options) if isinstance(options, Mapping) else None)

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        server.start()
        await _watch(server)
        if await _ask_settings(server):
            server.open()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        if not await _ask_settings(server) and isinstance(params.settings, Mapping):
            server.prefer(params.settings.get(SOURCE, params.settings))
        server.open()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        server.open()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        # Settings may be in any file of this kind that another one extends.
        server.desk.put(Looked(settings=any(change.uri.endswith(".toml") for change in params.changes)))

    @server.feature(types.WORKSPACE_DID_CREATE_FILES, _FILES)
    @server.feature(types.WORKSPACE_DID_RENAME_FILES, _FILES)
    @server.feature(types.WORKSPACE_DID_DELETE_FILES, _FILES)
    def did_move_files(params: types.CreateFilesParams | types.RenameFilesParams | types.DeleteFilesParams) -> None:
        server.desk.put(Looked())

    @server.feature(types.SHUTDOWN)
    async def shutdown(params: None) -> None:
        server.desk.put(Stopped())
        if server.desk.is_alive():
            await asyncio.to_thread(server.desk.join, 5)


def _answer_for_documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, _DIAGNOSTICS)
    async def diagnostic(params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
        if not server.pulls:
            # They are published already.
            return types.RelatedFullDocumentDiagnosticReport([])
        items = server.writer.diagnostics(await server.page_now(params.text_document.uri))
        number = result_id(items)
        if number == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(number)
        return types.RelatedFullDocumentDiagnosticReport(items, result_id=number)

    @server.feature(types.WORKSPACE_DIAGNOSTIC)
    def workspace_diagnostic(params: types.WorkspaceDiagnosticParams) -> types.WorkspaceDiagnosticReport:
        before = {each.uri: each.value for each in params.previous_result_ids}
        reports: list[types.WorkspaceDocumentDiagnosticReport] = []
        for page in server.pages() if server.preferences.mode == "workspace" else ():
            items = server.writer.diagnostics(page)
            number = result_id(items)
            if before.get(page.uri) == number:
                reports.append(types.WorkspaceUnchangedDocumentDiagnosticReport(page.uri, number, page.version))
            else:
                reports.append(
                    types.WorkspaceFullDocumentDiagnosticReport(page.uri, items, page.version, result_id=number)
                )
        return types.WorkspaceDiagnosticReport(reports)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        page = server.page(params.text_document.uri)
        return server.writer.hover(page, params.position) if page is not None else None

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, _ACTIONS)
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        page = server.page(params.text_document.uri)
        return server.writer.actions(page, params.range, opens=server.shows) if page is not None else []

    @server.command(OPEN_DOCUMENTATION)
    async def open_documentation(url: str) -> None:
        await server.window_show_document_async(types.ShowDocumentParams(url, external=True))


async def _watch(server: Server) -> None:
    """Ask the client to say when files change that no editor shows."""
    workspace = server.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace is not None else None
    if watched is None or not watched.dynamic_registration:
        return
    globs = ("**/*.py", "**/*.toml", f"**/{Settings().baseline}")
    options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(glob) for glob in globs])
    registration = types.Registration("slowpath-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
    await server.client_register_capability_async(types.RegistrationParams([registration]))


async def _ask_settings(server: Server) -> bool:
    """Ask the client for its settings, if it can be asked."""
    workspace = server.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return False
    item = types.ConfigurationItem(section=SOURCE)
    (answer,) = await server.workspace_configuration_async(types.ConfigurationParams([item]))
    raw = msgspec.to_builtins(answer) if answer is not None else None
    server.prefer(raw)
    return raw is not None
