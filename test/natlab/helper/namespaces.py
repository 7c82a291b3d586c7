"""A tree of processes of our own: user, mount, pid and network namespaces that end with this process."""
import json
import os
import signal
import sys

from kernel import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_BIND,
    MS_PRIVATE,
    MS_REC,
    Unavailable,
    die_with_parent,
    mount,
    unmount,
    unshare,
)

APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
CLONE_ALLOWED = "/proc/sys/kernel/unprivileged_userns_clone"
MAX_USER = "/proc/sys/user/max_user_namespaces"


def setting(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


def remedy():
    if setting(APPARMOR) == "1":
        return "run as root, or allow them: sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    if setting(CLONE_ALLOWED) == "0":
        return "run as root, or allow them: sysctl kernel.unprivileged_userns_clone=1"
    if setting(MAX_USER) == "0":
        return "run as root, or allow them: sysctl user.max_user_namespaces=10000"
    return "run on a machine, a virtual machine or a container that allows user namespaces, or as root with CAP_SYS_ADMIN"


def become_root_of_own_namespace():
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER, "user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def fork_into_namespaces(own_user):
    """Returns in the first process of a new pid namespace; the caller's process stays behind and never returns."""
    try:
        if own_user:
            become_root_of_own_namespace()
        unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET, "mount, pid and network namespaces")
    except OSError as error:
        raise Unavailable(f"the kernel does not allow namespaces here ({error.strerror})", remedy())
    pid = os.fork()
    if pid != 0:
        os.write(1, json.dumps({"pid": pid, "python": sys.executable}).encode() + b"\n")
        for fd in (0, 1):
            os.close(fd)
        os.waitpid(pid, 0)
        os._exit(0)
    die_with_parent()
    # Everything in the lab whose parent has gone is ours now: the kernel buries it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    own_file_systems()


def own_file_systems():
    try:
        mount("none", "/", flags=MS_REC | MS_PRIVATE)
        mount("proc", "/proc", "proc")
        refuse_name_lookups()
    except OSError as error:
        raise Unavailable(
            f"the lab cannot mount what it needs ({error.strerror})",
            "in a container, start it with an unmasked /proc (docker: --security-opt systempaths=unconfined)",
        )


def refuse_name_lookups():
    """The machine's name servers are out of reach: without this each lookup waits for seconds instead of failing."""
    if not (os.path.exists("/etc/resolv.conf") and os.path.isdir("/mnt")):
        return
    mount("natlab", "/mnt", "tmpfs")
    with open("/mnt/resolv.conf", "w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    mount("/mnt/resolv.conf", "/etc/resolv.conf", flags=MS_BIND)
    unmount("/mnt")
