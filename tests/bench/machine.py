"""What the benchmarks need to know of the machine, and what they ask of it."""

import contextlib
import os
import pathlib
import platform
import re

# A run during which other processes used more CPU than this is disturbed.
FOREIGN_CORES = 0.12


def read(path):
    return pathlib.Path(path).read_text()


def settle(core, nice=-10):
    """Puts a new child on its core, before the programs of others that want it too."""
    os.sched_setaffinity(0, {core})
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    # Between sessions the scheduler may go by the nice value of the session (sched(7), autogroup).
    os.setsid()
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/autogroup").write_text(str(nice))


def foreign_cpu_ticks(ours):
    """CPU time of all processes but us and our children, and that which the hypervisor took."""
    used = int(read("/proc/stat").split(maxsplit=9)[8])
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # A process may end just now.
            fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if not ours & {int(pid), int(fields[1])}:
                # With that of the children it has waited for: a process that ends stays in the sum.
                used += sum(map(int, fields[11:15]))
    return used


def pick_cores():
    """A core for the servers and one for the client, not two threads of the same core."""
    cpus = sorted(os.sched_getaffinity(0))
    siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpus[0]}/topology/thread_siblings_list")
    beside = re.split(r"[,-]", siblings.read_text().strip()) if siblings.exists() else []
    others = sorted(cpus[1:], key=lambda cpu: str(cpu) in beside)
    if not others:
        raise SystemExit("one core is not enough: the client would take turns with the server")
    return cpus[0], others[0]


def description():
    """The processor, its cores and the memory, and the kernel, in one line."""
    cpu = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    memory = int(re.search(r"^MemTotal: *(\d+)", read("/proc/meminfo"), re.MULTILINE)[1])
    return (f"Linux {platform.release()}, {cpu[1] if cpu else 'unknown CPU'}, "
            f"{os.cpu_count()} cores, {memory / (1 << 20):.0f} GiB")


def read_from_disk(folder):
    """Bytes read so far from the device that the folder is on; None where that is not counted."""
    device = os.stat(folder).st_dev
    counters = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
    return int(counters.read_text().split()[2]) * 512 if counters.exists() else None
