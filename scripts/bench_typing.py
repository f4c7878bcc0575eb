#!/usr/bin/env python3
"""Type into the language server, as an editor does, and time each key until its diagnostics arrive.

    python scripts/bench_typing.py PATH...

In files chosen at random a loop is typed at the end of a function, a key every 120 ms, then taken away again. Nothing
is saved. Of each key both is told, the time until its diagnostics came and the processor time that the server took for
it: on a busy machine only the latter means anything.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from slowpath.declarations import Declarations, FunctionDeclaration, declare
from slowpath.discovery import Folder
from slowpath.roles import role_of
from slowpath.source import Source, source_of

TYPED = "for thing in self.items.filter(shown=True):\n{indent}    print(thing.user.name)"
PAUSE = 0.12
PLACES = 12


class Key(NamedTuple):
    """What one key took: seconds until its diagnostics came, and seconds of the server's work."""

    waited: float
    worked: float


class Typist:
    """A client that notes when the diagnostics of a version arrive."""

    def __init__(self) -> None:
        self.client = LanguageClient("typist", "1")
        self.arrived: dict[tuple[str, int], float] = {}
        self.version = 0

        arrived = self.arrived

        def published(params: types.PublishDiagnosticsParams) -> None:
            arrived.setdefault((params.uri, params.version or 0), time.perf_counter())

        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(published)

    async def shown(self, uri: str, version: int) -> float:
        """When diagnostics for this version or a later one arrived."""
        while True:
            times = [at for (where, number), at in self.arrived.items() if where == uri and number >= version]
            if times:
                return min(times)
            await asyncio.sleep(0.005)

    def write(self, uri: str, text: str) -> int:
        """Show another text; its version."""
        self.version += 1
        item = types.VersionedTextDocumentIdentifier(self.version, uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(item, [change]))
        return self.version


def places_in(root: Path) -> list[tuple[Source, FunctionDeclaration]]:
    """Functions of production code to type in, of different files."""
    folder = Folder(root)
    found: list[tuple[Source, Declarations]] = []
    for file in folder.listing(()).files:
        source = folder.read(file.path)
        if role_of(file.path) == "production" and isinstance(source, Source):
            found.append((source, declare(source)))
    choose = random.Random(7)
    usable = [(source, declared) for source, declared in found if any(each.sketch.loops for each in declared.functions)]
    return [(source, choose.choice(declared.functions)) for source, declared in choose.sample(usable, PLACES)]


def worked(server: int) -> float:
    """The seconds that a process has worked so far, as Linux counts them."""
    threads = Path(f"/proc/{server}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


async def typed(root: Path) -> tuple[dict[str, list[Key]], float]:
    """What keys took, by whether what was there could be parsed, and the seconds until the first diagnostics."""
    typist = Typist()
    places = places_in(root)
    await typist.client.start_io(sys.executable, "-m", "slowpath", "server")
    opened = [types.WorkspaceFolder(root.as_uri(), root.name)]
    params = types.InitializeParams(capabilities=types.ClientCapabilities(), workspace_folders=opened)
    await typist.client.initialize_async(params)
    typist.client.initialized(types.InitializedParams())
    server = typist.client._server.pid  # type: ignore[union-attr]
    keys: dict[str, list[Key]] = {"whole": [], "broken": []}
    began = time.perf_counter()
    first = 0.0
    for source, function in places:
        uri = (root / source.path).as_uri()
        typist.version += 1
        item = types.TextDocumentItem(uri, "python", typist.version, source.text)
        typist.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        at = await typist.shown(uri, typist.version)
        first = first or at - began
        lines = source.text.split("\n")
        indent = " " * (function.column + 3)
        whole = indent + TYPED.format(indent=indent)
        for end in range(len(indent) + 1, len(whole) + 1):
            sent, before = time.perf_counter(), worked(server)
            text = "\n".join([*lines[: function.end_line], whole[:end], *lines[function.end_line :]])
            version = typist.write(uri, text)
            await asyncio.sleep(PAUSE)
            key = Key(await typist.shown(uri, version) - sent, worked(server) - before)
            keys["broken" if declare(source_of(source.path, text)).problem else "whole"].append(key)
        typist.write(uri, source.text)
        closed = types.TextDocumentIdentifier(uri)
        typist.client.text_document_did_close(types.DidCloseTextDocumentParams(closed))
    await typist.client.shutdown_async(None)
    typist.client.exit(None)
    await typist.client.stop()  # type: ignore[no-untyped-call]
    return keys, first


def main() -> None:
    """Types into each project, and prints how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    for path in parser.parse_args().paths:
        keys, first = asyncio.run(typed(path.resolve()))
        print(f"{path.name}: first diagnostics after {first:.1f} s")
        for kind, times in (("all", [*keys["whole"], *keys["broken"]]), *keys.items()):
            waited, work = (spread([key[part] for key in times]) for part in (0, 1))
            print(f"  {kind}: {len(times)} keys, {waited}; of the processor {work}")


def spread(seconds: list[float]) -> str:
    """Half of them, most of them, and the longest."""
    ordered = sorted(seconds)
    half, most, longest = (1000 * ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.95, 1))
    return f"p50 {half:.0f} ms, p95 {most:.0f} ms, longest {longest:.0f} ms"


if __name__ == "__main__":
    main()
