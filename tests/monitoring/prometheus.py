"""A Prometheus of one's own: on the loopback, in a folder, with the rules of this repository."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import shipped
from harness.daemon import LIMIT_S, wait_until

_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')

# Often enough that a test need not wait long for what the shipped rules see in time, and no oftener
# than a slow machine can answer.
_INTERVAL = "1s"


class Prometheus:
    """Scrapes `targets` (host:port) as the job sluiced. Alerts fire as soon as their condition is
    true, however long it should last in earnest."""

    def __init__(self, folder, targets):
        folder.mkdir()
        for rules in (shipped.RECORDING, shipped.ALERTS):
            text = re.sub(r"^( +for:) .*$", r"\1 0s", rules.read_text(), flags=re.MULTILINE)
            (folder / rules.name).write_text(text)
        settings = {
            "global": {"scrape_interval": _INTERVAL, "scrape_timeout": _INTERVAL,
                       "evaluation_interval": "500ms"},
            "rule_files": [shipped.RECORDING.name, shipped.ALERTS.name],
            "scrape_configs": [{"job_name": "sluiced",
                                "static_configs": [{"targets": list(targets)}]}]}
        (folder / "prometheus.yaml").write_text(json.dumps(settings))  # JSON is YAML
        self._log = folder / "log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yaml",
                 f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._address = wait_until(self._find_address, "Prometheus listens")
            wait_until(self._is_ready, "Prometheus is ready")
        except BaseException:
            self.stop()
            raise

    def _find_address(self):
        assert self._process.poll() is None, f"Prometheus ended:\n{self._log.read_text()}"
        match = _LISTENING.search(self._log.read_text())
        return match and match[1]

    def _is_ready(self):
        try:
            urllib.request.urlopen(f"http://{self._address}/-/ready", timeout=LIMIT_S).close()
            return True
        except urllib.error.HTTPError as refusal:
            assert refusal.code == 503, refusal  # it is still reading its storage
            return False

    def _ask(self, path, **parameters):
        url = f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=LIMIT_S) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """[(labels, value)] at this moment."""
        return [(sample["metric"], float(sample["value"][1]))
                for sample in self._ask("query", query=expression)["result"]]

    def firing(self):
        """The alerts that fire now."""
        return [alert for alert in self._ask("alerts")["alerts"] if alert["state"] == "firing"]

    def rule_errors(self):
        """What went wrong when rules were evaluated last."""
        return [(rule["name"], rule["lastError"]) for group in self._ask("rules")["groups"]
                for rule in group["rules"] if rule.get("lastError")]

    def stop(self):
        self._process.terminate()
        self._process.wait(LIMIT_S)
