"""Chromium, without a window, steered through its DevTools protocol: downloads and pages."""

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
        self._events = []
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._end()

    def _end(self):
        # All of its processes, of which the one started here is a script. They have nothing to save.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(LIMIT_S)
        self._profile.cleanup()

    def _ask(self, method, session=None, **parameters):
        """Sends a command and returns its result; events that come before it are kept."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        self._socket.send(json.dumps(command))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._events.append(message)

    def open(self, url):
        """A page, loaded, of which all requests and complaints are known."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Log", "Runtime"):
            self._ask(f"{domain}.enable", session)
        self._ask("Page.navigate", session, url=url)
        page = Page(lambda method, **parameters: self._ask(method, session, **parameters),
                    lambda: [event for event in self._events if event.get("sessionId") == session])
        daemon.wait_until(lambda: page.ask("document.readyState") == "complete" and
                          page.url == url, f"{url} is loaded", LIMIT_S)
        return page

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


class Page:
    """A page of the browser, and a person in front of it."""

    def __init__(self, command, events):
        self._command = command
        self._events = events

    @property
    def requests(self):
        """The URLs of all that it has asked for so far."""
        return [event["params"]["request"]["url"] for event in self._events()
                if event["method"] == "Network.requestWillBeSent"]

    @property
    def complaints(self):
        """What browser and page have complained of so far: breaches of the policy, errors."""
        return [event["params"] for event in self._events()
                if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown") or
                event["method"] == "Runtime.consoleAPICalled" and
                event["params"]["type"] in ("error", "warning", "assert")]

    def ask(self, expression):
        """The value of an expression in the page."""
        outcome = self._command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in outcome, outcome
        return outcome["result"].get("value")

    @property
    def url(self):
        return self.ask("location.href")

    def prefer(self, scheme):
        """Has the person prefer "light" or "dark"."""
        self._command("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def brightness(self, what):
        """Of the background or the text of the page, as it is shown: from 0 to 255."""
        shown = self.ask(f"getComputedStyle(document.body).{what}")
        return sum(map(int, re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", shown).groups())) / 3

    def make_narrow(self, width):
        """Gives the page so many pixels in its width."""
        self._command("Emulation.setDeviceMetricsOverride", width=width, height=800,
                      deviceScaleFactor=1, mobile=False)

    def press(self, key):
        """Presses "Tab" or "Enter"."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._command("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                          windowsVirtualKeyCode=code, **(text if kind == "keyDown" else {}))
