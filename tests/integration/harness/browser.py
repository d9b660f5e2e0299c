"""Downloads by Chromium, without a window, steered through its DevTools protocol."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile

import websocket

from harness import daemon

_PROGRAM = "chromium-headless-shell"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
              "--disable-background-networking", "--disable-component-update", "--disable-sync",
              "--remote-debugging-port=0", "about:blank"]
_LISTENING = re.compile(r"DevTools listening on (ws://\S+)")
LIMIT_S = 120


class Browser:
    """One running browser with a profile of its own, which ends with the scope."""

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="sluiced-browser-",
                                                    ignore_cleanup_errors=True)
        log = pathlib.Path(self._profile.name) / "log"  # A pipe that nobody reads would fill.
        with open(log, "wb") as file:
            self._process = subprocess.Popen(
                [_PROGRAM, *_ARGUMENTS, f"--user-data-dir={self._profile.name}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                start_new_session=True)
        try:
            address = daemon.wait_until(lambda: _LISTENING.search(log.read_text(errors="replace")),
                                        "the browser starts", LIMIT_S)[1]
            self._socket = websocket.create_connection(address, timeout=LIMIT_S,
                                                       suppress_origin=True)
        except BaseException:
            self._end()
            raise
        self._number = 0
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._end()

    def _end(self):
        # All of its processes, of which the one started here is a script. They have nothing to save.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(LIMIT_S)
        self._profile.cleanup()

    def _ask(self, method, **parameters):
        """Sends a command and returns its result; events that come before it are dropped."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def download(self, url, folder):
        """Has the browser download a file into the folder, under a name of its choice. Returns when
        it is complete: one that breaks off is resumed by the browser itself."""
        self._ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder),
                  eventsEnabled=True)
        self._ask("Target.createTarget", url=url)
        state = None
        while state != "completed":
            message = json.loads(self._socket.recv())
            if message.get("method") == "Browser.downloadProgress":
                state = message["params"]["state"]
                assert state != "canceled", message
