"""docker/compose.yaml, and what it gives to Prometheus and Grafana."""

import json
import os
import pathlib
import re
import shutil

import pytest
import yaml

from engine import ROOT, run

DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes.yaml"
GIVEN = {"SLUICED_ROOT": "/srv/www", "GRAFANA_PASSWORD": "chosen"}


def composed(**given):
    """What docker-compose makes of it, which checks it against its schema first."""
    return run("docker-compose", "config", cwd=DOCKER, check=False,
               env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **given})


@pytest.fixture(scope="module")
def services():
    done = composed(**GIVEN)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def mounts(service):
    """(where it is here, where it is in the container) for what is mounted from this repository."""
    pairs = [volume.split(":")[:2] for volume in service["volumes"]]
    return [(pathlib.Path(here), there) for here, there in pairs
            if here.startswith(str(ROOT))]


def lay_out(service, folder):
    """Copies what is mounted to where it is in the container, beneath the folder."""
    for here, there in mounts(service):
        target = folder / there.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if here.is_dir() else shutil.copy2
        copy(here, target)


@pytest.mark.parametrize("missing", list(GIVEN))
def test_what_has_to_be_chosen_is_asked_for(missing):
    given = {name: value for name, value in GIVEN.items() if name != missing}
    done = composed(**given)
    assert done.returncode != 0
    assert missing in done.stderr


def test_sluiced_is_confined(services):
    sluiced = services["sluiced"]
    assert sluiced["read_only"] is True
    assert sluiced["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in sluiced["security_opt"]
    profile, = [option.removeprefix("seccomp:") for option in sluiced["security_opt"]
                if option.startswith("seccomp:")]
    assert (DOCKER / profile).resolve() == DOCKER / "seccomp.json"
    assert "/srv/www:/srv/www:ro" in sluiced["volumes"]
    # The admin listener asks nobody who they are.
    assert not any("9180" in str(port) for port in sluiced["ports"])


def test_prometheus_can_read_what_it_is_given(services, tmp_path):
    prometheus = services["prometheus"]
    lay_out(prometheus, tmp_path)
    config, = [argument.removeprefix("--config.file=") for argument in prometheus["command"]
               if argument.startswith("--config.file=")]
    done = run("promtool", "check", "config", tmp_path / config.lstrip("/"))
    for rules in (ROOT / "config/prometheus").glob("*.yaml"):
        if "groups" in yaml.safe_load(rules.read_text()):
            assert f"{tmp_path}{pathlib.PurePath(config).parent}/{rules.name}" in done.stdout


def test_prometheus_asks_sluiced_as_the_shipped_configuration_does(services):
    ours = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())
    shipped = yaml.safe_load((ROOT / "config/prometheus/prometheus.yaml").read_text())
    target, = ours["scrape_configs"][0]["static_configs"][0]["targets"]
    host, port = target.split(":")
    assert host in services
    admin, = re.findall(r'"--admin", "0\.0\.0\.0:(\d+)"', (DOCKER / "Dockerfile").read_text())
    assert port == admin
    ours["scrape_configs"][0]["static_configs"] = shipped["scrape_configs"][0]["static_configs"]
    assert ours == shipped


def test_grafana_finds_prometheus_and_the_dashboard(services, tmp_path):
    lay_out(services["grafana"], tmp_path)
    provisioning = tmp_path / "etc/grafana/provisioning"
    sources = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())
    source, = sources["datasources"]
    assert source["type"] == "prometheus" and source["isDefault"] is True
    host, port = source["url"].removeprefix("http://").split(":")
    assert any(f":{port}" in str(published) for published in services[host]["ports"])
    provider, = yaml.safe_load((provisioning / "dashboards/sluiced.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    found = list((tmp_path / provider["options"]["path"].lstrip("/")).glob("*.json"))
    assert [json.loads(path.read_text())["uid"] for path in found] == ["sluiced"]


def test_the_pods_of_kubernetes_are_confined_the_same_way():
    deployment, service = yaml.safe_load_all(KUBERNETES.read_text())
    pod = deployment["spec"]["template"]["spec"]
    container, = pod["containers"]
    user, group = re.search(r"\nUSER (\d+):(\d+)\n", (DOCKER / "Dockerfile").read_text()).groups()
    assert pod["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": int(user), "runAsGroup": int(group),
        "seccompProfile": {"type": "Localhost", "localhostProfile": "sluice/seccomp.json"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8080, "admin": 9180}
    assert service["spec"]["ports"][0]["targetPort"] in ports
