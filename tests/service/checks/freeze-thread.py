"""Usage: freeze-thread.py PID THREAD-NAME

Stops one thread of a process, as a debugger does (ptrace(2)), until the process has ended: the others
go on. Says "frozen" once it has."""

import ctypes
import os
import sys

SEIZE, INTERRUPT, WAIT_ALL = 0x4206, 0x4207, 0x40000000


def main():
    pid, name = sys.argv[1:]
    thread = next(int(task) for task in os.listdir(f"/proc/{pid}/task")
                  if open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8").read() == f"{name}\n")
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (SEIZE, INTERRUPT):
        if libc.ptrace(request, thread, None, None) != 0:
            sys.exit(os.strerror(ctypes.get_errno()))
    os.waitpid(thread, WAIT_ALL)
    print("frozen", flush=True)
    while os.path.exists(f"/proc/{pid}/task/{thread}"):
        try:
            os.waitpid(thread, WAIT_ALL)
        except ChildProcessError:
            return


main()
