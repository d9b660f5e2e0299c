"""The command line, and a start that cannot succeed: one clear line, the right exit status."""

import errno
import os
import resource
import socket
import tempfile

import pytest

from harness import files, process
from harness.daemon import run_to_end

EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_OS, EXIT_PERMISSION, EXIT_CONFIG = 64, 69, 71, 77, 78
ANYWHERE = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")


def assert_one_line(done, *culprits):
    """Standard error holds one line that names the culprits, and nothing was said to be served."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    for culprit in culprits:
        assert culprit in lines[0], lines[0]
    assert "Listening on" not in done.stdout


@pytest.mark.parametrize("arguments", [
    (), ("srve",), ("serve", ".", "extra"), ("serve", ".", "--unknown"),
    ("serve", ".", "--listen"), ("serve", ".", "--listen", "nonsense"),
    ("serve", ".", "--listen", "127.0.0.1"), ("serve", ".", "--listen", "127.0.0.1:99999"),
    ("serve", ".", "--listen", "127.0.0.1:-1"), ("serve", ".", "--listen", "localhost:0"),
    ("serve", ".", "--listen", ""), ("serve", ".", "--admin", "nonsense"),
    ("serve", ".", "--admin"), ("run", "extra", "-c", "x.yaml"), ("run", "-c"), ("check",),
    ("check", "a.yaml", "b.yaml"), ("check", "-c"), ("version", "extra"), ("--unknown",),
    ("-x",)])
def test_a_command_line_that_makes_no_sense_is_64(arguments):
    done = run_to_end(*arguments)
    assert done.returncode == EXIT_USAGE
    assert done.stderr.strip()
    assert done.stdout == ""


def test_help_and_version_go_to_standard_output():
    for arguments in (("help",), ("--help",), ("-h",), ("version",), ("--version",),
                      ("serve", "--help")):
        done = run_to_end(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert done.stdout.endswith("\n")
    for verb in ("serve", "run", "check", "version"):
        assert verb in run_to_end("help").stdout
    assert run_to_end("version").stdout.startswith("sluiced 0.")


def test_a_missing_root_is_named(tmp_path):
    done = run_to_end("serve", tmp_path / "missing", *ANYWHERE)
    assert done.returncode == EXIT_CONFIG
    assert_one_line(done, str(tmp_path / "missing"))


def test_a_root_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for name in ("file", "fifo", "file/below"):
        done = run_to_end("serve", tmp_path / name, *ANYWHERE)
        assert done.returncode == EXIT_CONFIG
        assert_one_line(done, str(tmp_path / name))


def test_a_root_that_may_not_be_read_is_named(unprivileged):
    root = unprivileged.folder / "closed"
    root.mkdir(mode=0o700)
    root.chmod(0)
    done = run_to_end("serve", root, *ANYWHERE, binary=unprivileged.binary, **unprivileged.options)
    assert done.returncode in (EXIT_PERMISSION, EXIT_CONFIG)
    assert_one_line(done, str(root))
    root.chmod(0o700)


def test_a_root_below_a_closed_folder_is_named(unprivileged):
    closed = unprivileged.folder / "closed"
    (closed / "root").mkdir(parents=True)
    closed.chmod(0)
    done = run_to_end("serve", closed / "root", *ANYWHERE, binary=unprivileged.binary,
                      **unprivileged.options)
    assert done.returncode in (EXIT_PERMISSION, EXIT_CONFIG)
    assert_one_line(done, str(closed / "root"))
    closed.chmod(0o700)


@pytest.mark.parametrize("family,host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
@pytest.mark.parametrize("option", ["--listen", "--admin"])
def test_a_port_in_use_is_named(tree, family, host, option):
    with socket.socket(family) as taken:
        taken.bind((host, 0))
        taken.listen()
        port = taken.getsockname()[1]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        others = [part for name in ("--listen", "--admin") if name != option
                  for part in (name, "127.0.0.1:0")]
        done = run_to_end("serve", tree, option, address, *others)
    assert done.returncode == EXIT_OS
    assert_one_line(done, address)


def test_the_port_of_another_daemon_is_not_shared(fleet, tree):
    daemon = fleet.serve(tree)
    address = f"127.0.0.1:{daemon.endpoint.address[1]}"
    done = run_to_end("serve", tree, "--listen", address, "--admin", "127.0.0.1:0")
    assert done.returncode == EXIT_OS
    assert_one_line(done, address)
    assert daemon.get("/missing").status == 404


def test_an_address_of_another_host_is_named(tree):
    done = run_to_end("serve", tree, "--listen", "192.0.2.1:0", "--admin", "127.0.0.1:0")
    assert done.returncode == EXIT_OS
    assert_one_line(done, "192.0.2.1")


def test_a_unix_socket_that_cannot_be_made_is_named(tree):
    # Not beneath tmp_path: a clone in a deep folder would make the path too long for a socket.
    with tempfile.TemporaryDirectory(prefix="sluiced-") as folder:
        path = f"{folder}/missing/socket"
        done = run_to_end("serve", tree, "--listen", f"unix:{path}", "--admin", "127.0.0.1:0")
    assert done.returncode in (EXIT_OS, EXIT_CONFIG)
    assert_one_line(done, path)


def test_no_listener_stays_behind_when_a_later_one_fails(tmp_path, tree):
    """All or nothing: the first listener does not answer while the second cannot be had."""
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree, listeners=(
        "  - {name: one, address: 127.0.0.1:0}\n  - {name: two, address: 192.0.2.1:80}")))
    done = run_to_end("run", "-c", path)
    assert done.returncode == EXIT_OS
    assert_one_line(done, "192.0.2.1:80")


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.ENOSYS])
def test_without_io_uring_one_sentence_says_why_and_what_to_do(tree, number):
    done = run_to_end("serve", tree, *ANYWHERE, launcher=process.without_io_uring(number))
    assert done.returncode == EXIT_UNAVAILABLE
    assert_one_line(done, "io_uring", "seccomp", "io_uring_setup")
    assert done.stdout == ""


def test_verbs_that_need_no_ring_work_without_io_uring(tmp_path, tree):
    launcher = process.without_io_uring(errno.EPERM)
    path = tmp_path / "c.yaml"
    path.write_text(files.configuration(tree))
    for arguments in (("version",), ("help",), ("check", path)):
        assert run_to_end(*arguments, launcher=launcher).returncode == 0


def test_without_locked_memory_it_serves_or_says_so(unprivileged, fleet):
    """Kernels differ in whether a ring counts as locked memory. Where it does, one sentence says
    so."""
    tree = unprivileged.make_tree()
    files.write_old(tree / "file.txt", b"file")

    def no_locked_memory():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))

    options = {"binary": unprivileged.binary, "preexec_fn": no_locked_memory,
               **unprivileged.options}
    try:
        daemon = fleet.serve(tree, **options)
    except AssertionError:
        done = run_to_end("serve", tree, *ANYWHERE, **options)
        assert done.returncode == EXIT_UNAVAILABLE
        assert_one_line(done, "io_uring", "locked memory", "LimitMEMLOCK")
    else:
        assert daemon.get("/file.txt").body == b"file"


def test_standard_input_may_be_closed(fleet, tree):
    files.write_old(tree / "file.txt", b"file")
    daemon = fleet.serve(tree, launcher=["sh", "-c", 'exec "$@" <&-', "sh"])
    assert daemon.get("/file.txt").body == b"file"


def test_the_root_may_be_given_relative_to_the_working_directory(fleet, tree):
    files.write_old(tree / "file.txt", b"file")
    (tree / "sub").mkdir()
    for root, folder in ((".", tree), ("..", tree / "sub"), ("tree", tree.parent)):
        assert fleet.serve(root, cwd=folder).get("/file.txt").body == b"file"


def test_it_stays_in_the_root_that_was_named_though_the_name_moves_on(fleet, tree):
    """The root is a directory held open, not a name that is looked up again."""
    files.write_old(tree / "file.txt", b"first")
    daemon = fleet.serve(tree)
    tree.rename(tree.parent / "moved")
    tree.mkdir()
    files.write_old(tree / "file.txt", b"second")
    assert daemon.get("/file.txt").body == b"first"
