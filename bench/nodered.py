"""Node-RED with the smallest flow that does the same: webhook in, card read, kept in memory, served as GeoJSON.

From npm, an exact version, into the cache folder. 4.x is the newest line that runs on Debian 12's own Node.js.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.items import await_answer
from tools.debian import cache_folder
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.kanboard import KanboardServer

VERSION = "4.1.8"

# A webhook is answered at once, and the card it tells of is asked for.
_ASK = """
const data = msg.payload.event_data || {};
return {
    method: "POST", url: BOARD, headers: {"Content-Type": "application/json", "Authorization": ACCOUNT},
    payload: {jsonrpc: "2.0", id: 1, method: "getTask", params: {task_id: Number(data.task_id)}},
};
"""
_KEEP = r"""
const card = msg.payload.result;
const place = /(\d+\.\d+), (\d+\.\d+)/.exec(card.description || "");
const cards = global.get("cards") || {};
cards[card.id] = {
    type: "Feature", id: card.id,
    geometry: place && {type: "Point", coordinates: [Number(place[2]), Number(place[1])]},
    properties: {card_id: String(card.id), title: card.title, column_id: card.column_id, due: card.date_due},
};
global.set("cards", cards);
"""
_SERVE = """
const wanted = msg.req.query.card_id;
const shown = Object.values(global.get("cards") || {}).filter((each) =>
    String(each.properties.column_id) === APPROVED && (!wanted || each.properties.card_id === wanted));
msg.headers = {"Content-Type": "application/geo+json"};
msg.payload = {type: "FeatureCollection", features: shown};
return msg;
"""
_SETTINGS = """
module.exports = {httpAdminRoot: false, uiHost: "127.0.0.1", credentialSecret: "bench", flowFile: "flows.json",
    telemetry: {enabled: false, updateNotification: false}, logging: {console: {level: "warn"}}};
"""


@dataclass(frozen=True, slots=True)
class NodeRed:
    """A running Node-RED: where it takes webhooks, and the path that gives the approved cards."""

    base: str
    items: str = "/items"

    @property
    def webhook(self) -> str:
        """The address for the board."""
        return f"{self.base}/board/events"


def install_node_red() -> Path:
    """The folder with Node-RED in it. No script of any package is run."""
    subprocess.run([sys.executable, "-m", "tools.packages", "node"], check=True)
    home = cache_folder() / "node-red" / VERSION
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        quiet = ("--no-audit", "--no-fund", "--loglevel=error")
        command = ["npm", "install", "--ignore-scripts", *quiet, "--prefix", str(home), f"node-red@{VERSION}"]
        subprocess.run(command, check=True, cwd=home)
        (home / "ready").touch()
    return home


@contextmanager
def run_node_red(folder: Path, board: KanboardServer, approved: str) -> Iterator[NodeRed]:
    """Node-RED with the flow, beside this board; `approved` is the id of the column whose cards it serves."""
    home, port = install_node_red(), free_port()
    folder.mkdir()
    (folder / "settings.js").write_text(_SETTINGS, "utf-8")
    (folder / "flows.json").write_text(json.dumps(flow(board, approved)), "utf-8")
    command = ["node", f"{home}/node_modules/node-red/red.js", "--userDir", str(folder), "--port", str(port)]
    peer = NodeRed(f"http://127.0.0.1:{port}")
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            await_answer(f"{peer.base}{peer.items}", process)
            yield peer
        finally:
            process.terminate()


def flow(board: KanboardServer, approved: str) -> list[dict[str, object]]:
    """The nodes, as Node-RED's editor would export them."""
    account = base64.b64encode(f"jsonrpc:{board.api_token}".encode()).decode()
    known = {"BOARD": f"{board.url}/jsonrpc.php", "ACCOUNT": f"Basic {account}", "APPROVED": approved}
    return [
        {"id": "tab", "type": "tab", "label": "bridge"},
        _node("webhook", "http in", ["answer", "ask"], url="/board/events", method="post"),
        _node("answer", "http response", [], statusCode="204"),
        _node("ask", "function", ["board"], func=_with(known, _ASK), outputs=1),
        _node("board", "http request", ["keep"], method="use", ret="obj", paytoqs="ignore", persist=True),
        _node("keep", "function", [], func=_KEEP, outputs=0),
        _node("items", "http in", ["serve"], url="/items", method="get"),
        _node("serve", "function", ["page"], func=_with(known, _SERVE), outputs=1),
        _node("page", "http response", [], statusCode="200"),
    ]


def _node(name: str, kind: str, to: list[str], **more: object) -> dict[str, object]:
    return {"id": name, "type": kind, "z": "tab", "wires": [to], **more}


def _with(known: dict[str, str], script: str) -> str:
    return "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items()) + script
