"""What config/ holds for Prometheus and Grafana."""

import json
import pathlib

import yaml

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "config"
ALERTS = CONFIG / "prometheus/alerts.yaml"
RECORDING = CONFIG / "prometheus/recording.yaml"
SCRAPING = CONFIG / "prometheus/prometheus.yaml"
DASHBOARD = CONFIG / "grafana/sluiced.json"
CATALOGUE = CONFIG / "metrics.md"
ALERT_TESTS = pathlib.Path(__file__).with_name("alerts_test.yaml")

# What Prometheus makes itself.
SYNTHETIC = {"up"}


def rules(path):
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads(DASHBOARD.read_text())


def dashboard_expressions():
    """(panel's title, expression) for everything that the dashboard plots."""
    return [(panel["title"], target["expr"]) for panel in dashboard()["panels"]
            for target in panel.get("targets", ())]


def recorded_names():
    return {rule["record"] for rule in rules(RECORDING)}
