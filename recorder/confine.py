"""Keeps what a process hears, or has the keys to, inside it: no core dump, no debugger, no swap.

What hears has no life without its parent, and no precedence either.

A process that is killed dies on a processor, which takes it some milliseconds for the memory that it gives back. Having slept,
it may be given that of the thread that killed it, at once: which has the hold key to destroy next, in the thread of a no. The
kernel does not do so for SCHED_BATCH (sched(7)), which asks for the same share and never for a turn before others.
"""

import contextlib
import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4

_libc = ctypes.CDLL(None, use_errno=True)


def forbid_dumps() -> None:
    """No core file of this process, and no debugger on it but root's."""
    _prctl(_PR_SET_DUMPABLE, 0)  # a core goes to a handler's pipe whatever the limit (core(5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def confine() -> None:
    """To be called first, before there is anything to protect.

    The kernel kills this process when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG), so the parent
    must start it from a thread that lives as long as the meeting.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(PermissionError):  # where a service may not: a no is then some milliseconds slower
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # other threads, which come later, take it over
    forbid_dumps()
    lock_memory()


def lock_memory() -> None:
    """Nothing of this process goes to a swap; not inherited by its children.

    Best effort: without the right to lock all of it none is, since a limit met later would make every allocation fail in the
    middle of a meeting.
    """
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return
    # On fault: otherwise every mapping of every library would be read in, ten times what is needed.
    _libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option} was refused")
