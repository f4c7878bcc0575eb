// Starts `slowpath server` and shows what it says. Everything else is in the server.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

/** The command that starts slowpath: the settings' own, that of the chosen Python environment, or the search path's. */
async function command() {
  const [own, ...given] = vscode.workspace.getConfiguration("slowpath").get("path", []);
  if (own) return [own, ...given];
  const python = await environment();
  if (python) {
    const beside = path.join(path.dirname(python), process.platform === "win32" ? "slowpath.exe" : "slowpath");
    if (fs.existsSync(beside)) return [beside];
  }
  return ["slowpath"];
}

/** The interpreter that the Python extension has chosen, if there is one. */
async function environment() {
  const extension = vscode.extensions.getExtension("ms-python.python");
  if (!extension) return undefined;
  const api = await extension.activate();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const chosen = api?.environments?.getActiveEnvironmentPath(folder);
  const resolved = chosen && (await api.environments.resolveEnvironment(chosen));
  return resolved?.executable?.uri?.fsPath;
}

async function start() {
  if (!vscode.workspace.getConfiguration("slowpath").get("enable", true)) return;
  const [executable, ...given] = await command();
  const run = { command: executable, args: [...given, "server"], transport: TransportKind.stdio };
  client = new LanguageClient("slowpath", "slowpath", run, {
    documentSelector: [{ scheme: "file", language: "python" }],
    synchronize: { configurationSection: "slowpath" },
  });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const hint = "Install it with `pip install 'slowpath[lsp]'`, or say in `slowpath.path` where it is.";
    vscode.window.showErrorMessage(`slowpath could not be started (${executable}): ${error.message}. ${hint}`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

exports.activate = async (context) => {
  const again = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("slowpath.restart", again),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("slowpath.path") || event.affectsConfiguration("slowpath.enable")) return again();
    }),
  );
  await start();
};

exports.deactivate = stop;
