"""The language server in a real editor: Neovim, without a screen, through its own client, set up as the guide says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ROOT, shop_in

from slowpath.config import Settings
from slowpath.workspace import run

NVIM = shutil.which("nvim")
GUIDE = ROOT / "docs" / "editors.md"
VIEWS = "django_shop/views.py"
SCRIPT = """
vim.cmd("filetype on")
GUIDE
vim.cmd("edit FILE")
local function shown()
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(0)) do
    table.insert(found, { each.lnum + 1, each.source, each.message })
  end
  return found
end
vim.wait(60000, function() return #shown() > 0 end, 20)
local first = shown()
-- One more line, typed and not saved.
vim.api.nvim_buf_set_lines(0, 0, 0, false, { "# typed" })
vim.wait(60000, function() local now = shown() return #now > 0 and now[1][1] == first[1][1] + 1 end, 20)
vim.fn.writefile({ vim.fn.json_encode({ first, shown() }) }, "REPORT")
vim.lsp.stop_client(vim.lsp.get_active_clients())
vim.cmd("qall!")
"""


@pytest.mark.skipif(NVIM is None, reason="needs Neovim (`apt-get install neovim`)")
def test_findings_are_shown_and_follow_what_is_typed(tmp_path: Path) -> None:
    root = shop_in(tmp_path / "shop")
    report, script = tmp_path / "report.json", tmp_path / "script.lua"
    # The Neovim of Debian is older than 0.11.
    section = GUIDE.read_text(encoding="utf-8").partition("## VS Code")[0]
    _, guide = re.findall(r"^```lua\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    text = SCRIPT.replace("GUIDE", guide).replace("FILE", VIEWS).replace("REPORT", str(report))
    script.write_text(text, encoding="utf-8")
    command = [str(NVIM), "--headless", "--clean", "-n", "-c", f"luafile {script}"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path}
    subprocess.run(command, cwd=root, env=environment, timeout=180, check=True)
    first, typed = json.loads(report.read_text(encoding="utf-8"))
    expected = [finding.span.line for finding in run(root, Settings(), [VIEWS], cache=False, jobs=1).findings]
    assert sorted(line for line, _, _ in first) == expected
    assert sorted(line for line, _, _ in typed) == [line + 1 for line in expected]
    assert {source for _, source, _ in first} == {"slowpath"}
