"""The few calls older Pythons have no function for, with errors that say what to do."""
import ctypes
import os

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """The kernel (or whoever rules it) does not allow a lab."""

    def __init__(self, cause, remedy):
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


def check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags, what):
    check(libc.unshare(flags), what)


def setns(fd, kind, what):
    check(libc.setns(fd, kind), what)


def mount(source, target, kind=None, flags=0):
    encode = lambda text: text.encode() if text is not None else None
    check(
        libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), None),
        f"mount {target}",
    )


def unmount(target):
    check(libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
