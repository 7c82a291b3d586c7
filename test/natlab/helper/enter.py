"""Run a command inside a host: its process id, signals and exit are those of this process as far as that goes."""
import os
import signal
import sys

from kernel import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, die_with_parent, setns

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)


def join(pid, network):
    folder = f"/proc/{pid}"
    user, own = (os.stat(f"{base}/ns/user").st_ino for base in (folder, "/proc/self"))
    kinds = [("fd/%d" % network, CLONE_NEWNET), ("ns/pid", CLONE_NEWPID), ("ns/mnt", CLONE_NEWNS)]
    if user != own:
        kinds.insert(0, ("ns/user", CLONE_NEWUSER))
    fds = [(os.open(f"{folder}/{name}", os.O_RDONLY), kind, name) for name, kind in kinds]
    where = os.getcwd()
    for fd, kind, name in fds:
        setns(fd, kind, f"join {name}")
        os.close(fd)
    os.chdir(where)


def main(pid, network, command):
    try:
        join(pid, network)
    except OSError as error:
        print(f"natlab: the lab is closed ({error})", file=sys.stderr)
        os._exit(126)
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child == 0:
        die_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"natlab: {command[0]}: {error.strerror}\n".encode())
            os._exit(127)
    for number in FORWARDED:
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    # Whoever reads what the command writes must see it end with the command.
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    os.closerange(3, 256)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
