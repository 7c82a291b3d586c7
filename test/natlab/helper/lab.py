"""The lab: segments, hosts and NATs, moved by JSON lines from stdin; it ends with stdin."""
import json
import os
import random
import select
import signal
import sys
from socket import inet_aton, inet_ntoa
from time import monotonic

import kernel
import namespaces
from interface import Interface
from links import Cut, Link, Schedule
from nat import Nat

FIRST_MEMBER, LAST_MEMBER, MOST_NATS = 10, 250, 255
IPV4 = b"\x08\x00"


class Segment:
    """A /24 in which everybody hears everybody; what it does not know goes to its router."""

    def __init__(self, prefix, router=None):
        self.prefix, self.router = prefix, router
        self.members = {}
        self.next = FIRST_MEMBER

    def allot(self):
        for _ in range(LAST_MEMBER):
            address = inet_aton(f"{self.prefix}.{self.next}")
            self.next = self.next + 1 if self.next < LAST_MEMBER else FIRST_MEMBER
            if address not in self.members:
                return address
        raise ValueError(f"{self.prefix}.0/24 is full: {LAST_MEMBER - FIRST_MEMBER + 1} hosts and NATs fit in a segment, put others behind a NAT")

    def route(self, frame, sender):
        target = bytes(frame[30:34])
        member = self.members.get(target)
        if member is not None:
            member.down.send(frame)
        elif target[0] >= 224 or target[3] == 255:
            for other in self.members.values():
                if other.nat is None and other is not sender:
                    other.down.send(frame)
        elif self.router is not None and sender is not self.router:
            self.router.outbound(frame)


class Member:
    """A host or a NAT at its place in a segment, with a wire each way."""

    nat = None
    interface = None

    def __init__(self, lab, segment):
        self.up = Link(lab.schedule, self.leave, lab.random.random())
        self.down = Link(lab.schedule, self.arrive, lab.random.random())
        self.segment = segment

    def leave(self, frame):
        self.segment.route(frame, self)

    def arrive(self, frame):
        if self.nat is not None:
            self.nat.inbound(frame)
            return
        try:
            os.write(self.interface.tap, frame)
        except OSError:
            self.down.traffic["queueDroppedPackets"] += 1

    def move(self, segment):
        """To a fresh address, in this segment or another."""
        address = segment.allot()
        self.segment.members = {known: member for known, member in self.segment.members.items() if member is not self}
        self.segment, self.address = segment, address
        segment.members[address] = self
        if self.interface is not None:
            self.interface.set_address(inet_ntoa(address), f"{segment.prefix}.1")


class Lab:
    def __init__(self, seed, prefix, congestion=None):
        self.congestion = congestion
        self.schedule = Schedule()
        self.random = random.Random(seed)
        self.members = []
        self.segments = [Segment(prefix)]
        self.by_tap = {}
        self.poll = select.epoll()

    def segment_of(self, behind):
        return self.segments[0] if behind is None else self.members[behind].lan

    def add(self, behind):
        member = Member(self, self.segment_of(behind))
        self.members.append(member)
        return member

    def op_host(self, behind):
        member = self.add(behind)
        member.interface = Interface(self.congestion)
        member.move(member.segment)
        self.by_tap[member.interface.tap] = member
        self.poll.register(member.interface.tap, select.EPOLLIN)
        return {"member": len(self.members) - 1, "address": inet_ntoa(member.address), "network": member.interface.namespace}

    def op_nat(self, behind, config):
        if len(self.segments) > MOST_NATS:
            raise ValueError(f"a lab has room for {MOST_NATS} NATs: close it and make another one")
        member = self.add(behind)
        nat = member.nat = Nat(self.random.random())
        nat.configure(config)
        number = len(self.segments)
        member.lan = Segment(f"192.168.{number}", nat)
        self.segments.append(member.lan)
        self.place_nat(member)
        return {"member": len(self.members) - 1, "address": inet_ntoa(member.address)}

    def place_nat(self, member):
        member.move(member.segment)
        member.nat.place(member.address, member.lan, member.up.send)

    def op_configure_nat(self, member, config):
        self.members[member].nat.configure(config)

    def op_rebind(self, member, new_address):
        at = self.members[member]
        at.nat.forget()
        if new_address:
            self.place_nat(at)
        return {"address": inet_ntoa(at.address)}

    def op_move(self, member, behind, stay):
        at = self.members[member]
        at.move(at.segment if stay else self.segment_of(behind))
        return {"address": inet_ntoa(at.address)}

    def op_impair(self, member, up, down):
        self.members[member].up.configure(up)
        self.members[member].down.configure(down)

    def op_cut(self, member, directions, only, addresses):
        for direction in directions:
            getattr(self.members[member], direction).cuts.append(Cut(only, addresses))

    def op_restore(self, member):
        self.members[member].up.cuts = []
        self.members[member].down.cuts = []

    def op_traffic(self, member):
        return {"up": self.members[member].up.traffic, "down": self.members[member].down.traffic}

    def obey(self, line):
        request = json.loads(line)
        number, operation = request.pop("id"), request.pop("op")
        try:
            answer = {"id": number, "result": getattr(self, f"op_{operation}")(**request)}
        except kernel.Unavailable as error:
            answer = {"id": number, "error": error.cause, "remedy": error.remedy}
        except (OSError, ValueError) as error:
            answer = {"id": number, "error": str(error)}
        write_all(json.dumps(answer))

    def wait(self):
        """Until a frame, a command or the next thing on schedule; epoll alone knows only whole milliseconds."""
        heap = self.schedule.heap
        if not heap:
            return self.poll.poll()
        seconds = heap[0][0] - monotonic()
        if seconds > 0:
            select.select([self.poll], [], [], seconds)
        return self.poll.poll(0)

    def run(self):
        commands = b""
        self.poll.register(0, select.EPOLLIN)
        while True:
            for fd, _ in self.wait():
                if fd != 0:
                    self.read_frames(fd)
                    continue
                text = os.read(0, 65536)
                if not text:
                    return
                *lines, commands = (commands + text).split(b"\n")
                for line in lines:
                    self.obey(line)
            self.schedule.run()

    def read_frames(self, tap):
        up = self.by_tap[tap].up
        for _ in range(32):
            try:
                frame = os.read(tap, 2048)
            except BlockingIOError:
                return
            if frame[12:14] == IPV4:
                up.send(frame)


def write_all(text):
    data = text.encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def main(own_user, options):
    # A terminal's Ctrl-C is for the process we serve; when it ends, so do we.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernel.die_with_parent()
    try:
        namespaces.fork_into_namespaces(own_user)
        lab = Lab(**json.loads(options))
        write_all('{"ready": true}')
    except kernel.Unavailable as error:
        write_all(json.dumps({"cause": error.cause, "remedy": error.remedy}))
        sys.exit(3)
    lab.run()
    os._exit(0)
