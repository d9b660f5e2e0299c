"""`doctor`: what this machine lacks, with a cure for each thing, and 1 if it keeps sluiced from
serving."""

import errno
import os
import pwd
import re
import resource

import pytest

from harness import files, process
from harness.daemon import run_to_end

LINE = re.compile(r"^(ok|warning|error) +([^:]+): (.+)$")


def findings_of(done):
    """{subject: (verdict, words, cure)}; every line is one of the two kinds."""
    found = {}
    subject = None
    for line in done.stdout.splitlines():
        if match := LINE.match(line):
            subject = match[2]
            found[subject] = (match[1], match[3], "")
        else:
            assert line.startswith("         -> "), line
            found[subject] = (*found[subject][:2], line.strip()[3:])
    return found


@pytest.fixture
def write(tmp_path, tree):
    def write_configuration(**options):
        path = tmp_path / "c.yaml"
        path.write_text(files.configuration(options.pop("root", tree), **options))
        return path

    return write_configuration


def test_where_it_serves_nothing_is_an_error(write, fleet):
    path = write()
    fleet.start("run", "-c", path)
    done = run_to_end("doctor", "-c", path)
    found = findings_of(done)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "error" not in [verdict for verdict, _, _ in found.values()]
    for subject in ("kernel", "seccomp", "rings", "open files", "accept queue of web",
                    "fs.inotify.max_user_watches", "fs.inotify.max_user_instances", "root"):
        assert subject in found, done.stdout
    assert os.uname().release in found["kernel"][1]


def test_without_a_configuration_the_machine_alone_is_looked_at():
    done = run_to_end("doctor")
    assert done.returncode == 0, done.stdout
    assert "root" not in findings_of(done)


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS])
def test_under_a_filter_the_cause_and_the_cure_are_named(write, number):
    done = run_to_end("doctor", "-c", write(), launcher=process.without_io_uring(number))
    assert done.returncode == 1
    verdict, words, _ = findings_of(done)["io_uring"]
    assert verdict == "error"
    assert "seccomp" in words and "io_uring_setup" in words
    # What can be looked at without a ring is looked at all the same.
    assert findings_of(done)["open files"][0] != "error"


def test_too_few_open_files_are_a_warning_with_a_cure(write):
    done = run_to_end("doctor", "-c", write(),
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
    assert done.returncode == 0
    verdict, words, cure = findings_of(done)["open files"]
    assert verdict == "warning" and "256" in words and "LimitNOFILE" in cure


def test_a_queue_that_the_kernel_cuts_is_a_warning_with_a_cure(write):
    with open("/proc/sys/net/core/somaxconn", encoding="ascii") as file:
        most = int(file.read())
    name = "accept queue of web"
    for backlog in (most, most + 1):
        path = write(listeners=f"  - {{name: web, address: 127.0.0.1:0, backlog: {backlog}}}")
        verdict, words, cure = findings_of(run_to_end("doctor", "-c", path))[name]
        assert str(most) in words
        assert verdict == ("ok" if backlog == most else "warning")
        assert (f"net.core.somaxconn={backlog}" in cure) == (backlog > most)


def test_watches_that_do_not_suffice_are_a_warning_with_a_cure(write):
    name = "fs.inotify.max_user_watches"
    with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
        most = int(file.read())
    asked = min(most // 2 + 1, 1_000_000)
    verdict, words, cure = findings_of(run_to_end("doctor", "-c", write(
        extra=f"runtime: {{cached_files: {asked}}}\n")))[name]
    assert str(most) in words
    assert verdict == ("warning" if 2 * asked > most else "ok")
    assert (name in cure) == (verdict == "warning")
    none = run_to_end("doctor", "-c", write(extra="runtime: {cached_files: 0}\n"))
    assert name not in findings_of(none)


def test_a_root_that_is_not_there_is_an_error_with_a_cure(write, tmp_path):
    done = run_to_end("doctor", "-c", write(root=tmp_path / "missing"))
    verdict, words, cure = findings_of(done)["root"]
    assert (done.returncode, verdict) == (1, "error")
    assert "missing" in words and "make the directory" in cure


def test_the_directory_that_is_closed_to_the_user_is_named(unprivileged):
    closed = unprivileged.folder / "closed"
    (closed / "root").mkdir(parents=True)
    closed.chmod(0o700)
    path = unprivileged.folder / "c.yaml"
    path.write_text(files.configuration(closed / "root"))
    user = pwd.getpwuid(process.NOBODY).pw_name
    options = {"binary": unprivileged.binary}
    assert run_to_end("doctor", "-c", path, **options).returncode == 0
    if os.geteuid() != 0:
        closed.chmod(0)
        user = pwd.getpwuid(os.geteuid()).pw_name
    done = run_to_end("doctor", "--user", user, "-c", path, **options)
    verdict, words, cure = findings_of(done)["root"]
    assert (done.returncode, verdict) == (1, "error"), done.stdout
    assert str(closed / "root") in words
    assert f"'{closed}' has the mode" in cure and "chmod" in cure
    closed.chmod(0o755)
    assert run_to_end("doctor", "--user", user, "-c", path, **options).returncode == 0


def test_another_user_can_be_seen_by_root_only(unprivileged):
    done = run_to_end("doctor", "--user", "root", binary=unprivileged.binary,
                      **unprivileged.options)
    assert done.returncode == 77
    assert "only root" in done.stderr
    assert "'nobody-at-all'" in run_to_end("doctor", "--user", "nobody-at-all").stderr


def test_a_bad_configuration_ends_as_check_does(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("listeners: 1\n")
    done = run_to_end("doctor", "-c", path)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == run_to_end("check", path).stderr


def test_the_limit_of_locked_memory_is_the_one_that_a_start_has(unprivileged):
    """A start raises it as far as it may."""
    if os.geteuid() != 0:
        pytest.skip("what this user has locked counts, too: run it as root")
    low = 16 << 10
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard != resource.RLIM_INFINITY and hard < 4 << 20:
        pytest.skip("no more may be locked than a ring takes")
    most = "unlimited" if hard == resource.RLIM_INFINITY else hard
    alone = {**unprivileged.options, "user": 640_900_001}  # who has nothing locked
    done = run_to_end("doctor", **alone, binary=unprivileged.binary,
                      launcher=["prlimit", f"--memlock={low}:{most}"])
    verdict, words, _ = findings_of(done)["rings"]
    assert verdict == "ok", words
