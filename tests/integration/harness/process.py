"""What /proc tells about a process, and ways to start one under restrictions."""

import errno
import os
import pathlib
import resource
import shutil
import sys
import tempfile

from harness import daemon

NOBODY = 65534
_FORBID = pathlib.Path(__file__).with_name("forbid_system_call.py")
_SYS_IO_URING_SETUP = 425
_SYS_OPENAT2 = 437
_SYS_LANDLOCK_CREATE_RULESET = 444


def descriptor_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def open_things(pid):
    """What the descriptors of a process lead to: paths, and the like of socket:[123]."""
    things = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            things.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            pass  # closed since
    return things


def cpu_seconds(pid):
    """User and system time of all threads so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid, kind):
    """What proc_pid_status(5) tells of its memory: VmRSS is what is there, VmData what it may use."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {kind}")


def resident_bytes(pid):
    return memory_bytes(pid, "VmRSS")


def allow_many_descriptors():
    """Clients of this process may open as many sockets as the hard limit allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def without_io_uring(errno_value):
    """The launcher of a program whose io_uring_setup fails with this errno."""
    return [sys.executable, "-B", str(_FORBID), str(_SYS_IO_URING_SETUP), str(errno_value)]


def without_openat2():
    """The launcher of a program that can call openat2 through its ring only, as systemd has it
    with RestrictSUIDSGID= or DynamicUser=: its filter cannot look into the argument."""
    return [sys.executable, "-B", str(_FORBID), str(_SYS_OPENAT2), str(errno.ENOSYS)]


def without_landlock(errno_value):
    """The launcher of a program to which Landlock is not to be had."""
    return [sys.executable, "-B", str(_FORBID), str(_SYS_LANDLOCK_CREATE_RULESET),
            str(errno_value)]


def threads(pid):
    """What /proc tells of each thread of a process, by its id: {"Uid": "0\t0\t0\t0", ...}."""
    told = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        told[task.name] = {key: value.strip() for key, _, value in
                           (line.partition(":") for line in lines)}
    return told


class Unprivileged:
    """A folder that any user can reach, with a copy of the program in it, and the options that run
    the program as a user to whom file modes apply. Root passes over them, and a test's own folder
    is closed to others."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluiced-test-"))
        self.folder.chmod(0o755)
        self.binary = self.folder / "sluiced"
        shutil.copy(daemon.BINARY, self.binary)
        self.binary.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    @property
    def options(self):
        if os.geteuid() != 0:
            return {"cwd": self.folder}
        return {"cwd": self.folder, "user": NOBODY, "group": NOBODY, "extra_groups": []}


def is_sanitized(binary):
    """Whether a program was built with AddressSanitizer, and so is several times as slow."""
    return b"__asan_init" in pathlib.Path(binary).read_bytes()
