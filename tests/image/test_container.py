"""The image as an engine runs it: read-only, without a capability, under our seccomp profile."""

import json

import pytest

from engine import ROOT, confinement, wait_until

PROFILE = ROOT / "docker/seccomp.json"
IO_URING = {"io_uring_setup", "io_uring_enter", "io_uring_register"}


def profile_with(folder, change):
    """A copy of our profile with something changed."""
    profile = json.loads(PROFILE.read_text())
    change(profile)
    path = folder / "seccomp.json"
    path.write_text(json.dumps(profile))
    return path


def wait_for_health(container):
    def has_it():
        assert container.inspect("{{.State.Status}}") == "running", container.logs()
        return container.check_health()

    wait_until(has_it, "it becomes healthy")


def fetch(container, target, *arguments):
    return container.curl(*arguments, f"http://127.0.0.1:8080{target}").stdout


def test_it_serves_is_healthy_and_stops_with_0(start, files, tmp_path):
    container = start(PROFILE)
    wait_for_health(container)
    assert container.inspect("{{.State.Health.Status}}") == "healthy"
    for name in ("hello.txt", "large.bin"):
        container.curl("--output", tmp_path / name, f"http://127.0.0.1:8080/{name}")
        assert (tmp_path / name).read_bytes() == (files / name).read_bytes()
    assert container.stop() == 0, container.logs()


def test_it_has_no_privilege(start):
    container = start(PROFILE)
    wait_for_health(container)
    assert set(container.status("Uid").split()) == {"10001"}
    assert set(container.status("Gid").split()) == {"10001"}
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(container.status(kind), 16) == 0, kind
    assert container.status("NoNewPrivs") == "1"
    assert container.status("Seccomp") == "2"
    refused = container.execute("sh", "-c", "echo >/srv/here; echo >/tmp/here", check=False)
    assert refused.returncode != 0
    assert refused.stderr.count("Read-only file system") == 2, refused.stderr
    assert container.stop() == 0, container.logs()


def test_it_is_unhealthy_where_the_admin_listener_does_not_answer(start):
    container = start(PROFILE, "serve", "/srv/www", "--listen", "127.0.0.1:8080", "--admin", "off")
    wait_until(lambda: "Listening on" in container.logs(), "it serves")
    assert not container.check_health()
    assert container.stop() == 0, container.logs()


def test_the_profile_has_every_call_that_serving_takes(start, tmp_path):
    """Under a copy of the profile that kills whoever makes a call that is not in it."""
    def kill(profile):
        profile["defaultAction"] = "SCMP_ACT_KILL_PROCESS"
        del profile["defaultErrnoRet"]

    container = start(profile_with(tmp_path, kill))
    wait_for_health(container)
    assert fetch(container, "/hello.txt", "--range", "0-4") == "Hello"
    assert "page.html" in fetch(container, "/below/")
    assert "page.html" in fetch(container, "/below/?format=json")
    assert "304" in fetch(container, "/hello.txt", "--head", "--header", "If-None-Match: *")
    assert "sluice_ring_submissions_total" in container.curl("http://127.0.0.1:9180/metrics").stdout
    assert container.execute("/usr/bin/sluiced", "doctor").returncode == 0
    assert container.stop() == 0, container.logs()


def test_the_default_profile_ends_it_with_69_and_a_reason(engine, image, files):
    done = engine.podman("run", "--rm", *confinement(None), "--volume", f"{files}:/srv/www:ro",
                         image, check=False)
    assert done.returncode == 69, done.stderr
    reason = done.stderr.splitlines()[-1]
    for words in ("io_uring is not available", "seccomp", *IO_URING):
        assert words in reason, done.stderr


def test_so_does_a_profile_that_refuses_as_docker_does(engine, image, files, tmp_path):
    def refuse(profile):
        profile["defaultErrnoRet"] = 1
        for rule in profile["syscalls"]:
            rule["names"] = [name for name in rule["names"] if name not in IO_URING]
        profile["syscalls"] = [rule for rule in profile["syscalls"] if rule["names"]]

    done = engine.podman("run", "--rm", *confinement(profile_with(tmp_path, refuse)), "--volume",
                         f"{files}:/srv/www:ro", image, check=False)
    assert done.returncode == 69, done.stderr
    assert "seccomp" in done.stderr and "io_uring_setup" in done.stderr


def test_it_tells_what_it_is(engine, image):
    config = json.loads(engine.podman("image", "inspect", image).stdout)[0]
    labels = config["Labels"]
    version = engine.podman("run", "--rm", *confinement(PROFILE), image, "version").stdout
    assert labels["org.opencontainers.image.version"] in version.split()
    for name in ("title", "description", "licenses", "revision", "base.name"):
        assert labels[f"org.opencontainers.image.{name}"]
    assert config["User"] == "10001:10001"
    assert set(config["Config"]["ExposedPorts"]) == {"8080/tcp", "9180/tcp"}
    assert config["Config"]["StopSignal"] in ("SIGTERM", "15")


@pytest.mark.parametrize("call", ["bpf", "init_module", "kexec_load", "keyctl", "mount",
                                  "open_by_handle_at", "perf_event_open", "pidfd_getfd",
                                  "process_vm_readv", "ptrace", "setns", "unshare", "userfaultfd"])
def test_the_profile_leaves_out(call):
    profile = json.loads(PROFILE.read_text())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not any(call in rule["names"] for rule in profile["syscalls"])
