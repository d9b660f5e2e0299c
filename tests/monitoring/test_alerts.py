"""The rules for Prometheus: that they are sound, tested, and tell what to do."""

import re
import subprocess

import pytest
import shipped
import yaml

ALERTS = shipped.rules(shipped.ALERTS)
TESTS = yaml.safe_load(shipped.ALERT_TESTS.read_text())["tests"]


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_nothing_wrong():
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", shipped.ALERTS)
    promtool("check", "rules", "--lint-fatal", shipped.ALERTS, shipped.RECORDING)
    promtool("check", "config", shipped.SCRAPING)


def test_each_alert_fires_when_it_should_and_no_other_does():
    assert "SUCCESS" in promtool("test", "rules", shipped.ALERT_TESTS)


@pytest.mark.parametrize("name", [alert["alert"] for alert in ALERTS])
def test_every_alert_has_a_test_in_which_it_is_silent_and_then_fires(name):
    tests = [test for test in TESTS if test["name"] == name]
    assert len(tests) == 1, f"{shipped.ALERT_TESTS.name} needs one test with the name {name}"
    silent, firing = tests[0]["promql_expr_test"]
    assert silent["expr"] == firing["expr"] == 'ALERTS{alertstate="firing"}'
    assert silent["exp_samples"] == []
    assert [f'alertname="{name}"' in sample["labels"] for sample in firing["exp_samples"]] == [True]


def test_every_test_is_of_an_alert_or_of_none():
    names = {test["name"] for test in TESTS} - {alert["alert"] for alert in ALERTS}
    assert names == {"nothing fires on a server that works under load"}


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_every_alert_says_what_where_and_what_to_do(alert):
    assert alert["alert"].startswith("Sluiced")
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in ("critical", "warning")
    annotations = alert["annotations"]
    assert annotations.keys() == {"summary", "description"}
    assert annotations["summary"].endswith(".")
    # The one about a server that is not there has no place to name.
    assert "$labels.instance" in annotations["summary"] or alert["expr"].startswith("absent(")
    # A sentence that tells what to do has such a word.
    assert re.search(r"\b(look|raise|lower|report|write|compare|tells|ends)\b|larger|lets more",
                     annotations["description"], re.IGNORECASE), annotations["description"]
    assert len(annotations["summary"]) < 120


def test_configuration_keys_that_alerts_name_are_there():
    """In the descriptions a key stands in quotes, with the sections above it before it."""
    default = (shipped.CONFIG / "sluiced.yaml").read_text()
    named = set()
    for alert in ALERTS:
        for quoted in re.findall(r"`([a-z_: ]+:)`", alert["annotations"]["description"]):
            named |= set(re.findall(r"[a-z_]+", quoted))
    assert {"ring_entries", "max_open_files", "queue"} <= named
    for key in named:
        assert re.search(rf"^(# )?\s*-?\s*(#\s+)?{key}:", default, re.MULTILINE), key
