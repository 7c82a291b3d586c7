"""One direction of a wire: cuts, loss, rate, delay and jitter, in this order. Packets never overtake each other."""
import heapq
import random
import socket
from time import monotonic

ETHERNET_BYTES = 14


class Schedule:
    """What has to happen later."""

    def __init__(self):
        self.heap = []
        self.count = 0

    def add(self, at, deliver, frame):
        self.count += 1
        heapq.heappush(self.heap, (at, self.count, deliver, frame))

    def run(self):
        heap = self.heap
        while heap and heap[0][0] <= monotonic():
            _, _, deliver, frame = heapq.heappop(heap)
            deliver(frame)


class Cut:
    PROTOCOLS = {"udp": 17, "tcp": 6}

    def __init__(self, only=None, addresses=None):
        self.protocol = self.PROTOCOLS.get(only)
        self.addresses = None if addresses is None else {socket.inet_aton(address) for address in addresses}

    def hits(self, frame):
        if self.protocol is not None and frame[23] != self.protocol:
            return False
        return self.addresses is None or not self.addresses.isdisjoint((bytes(frame[26:30]), bytes(frame[30:34])))


class Link:
    def __init__(self, schedule, deliver, seed):
        self.schedule = schedule
        self.deliver = deliver
        self.random = random.Random(seed).random
        self.cuts = []
        self.free = self.last = 0.0
        self.traffic = {"packets": 0, "bytes": 0, "lostPackets": 0, "queueDroppedPackets": 0, "cutPackets": 0}
        self.configure({})

    def configure(self, wanted):
        self.delay = wanted.get("delayMs", 0) / 1000
        self.jitter = wanted.get("jitterMs", 0) / 1000
        self.rate = wanted.get("rateBitsPerSecond", 0)
        self.queue = wanted.get("queueMs", 200) / 1000
        loss = wanted.get("loss", 0)
        self.burst = loss["burst"] if isinstance(loss, dict) else None
        self.loss = 0 if self.burst else loss
        self.bad = False
        self.plain = not (self.delay or self.jitter or self.rate or loss)

    def loses(self):
        if self.burst is None:
            return self.loss > 0 and self.random() < self.loss
        burst = self.burst
        if self.random() < burst["badToGood" if self.bad else "goodToBad"]:
            self.bad = not self.bad
        return self.random() < burst["lossInBad" if self.bad else "lossInGood"]

    def send(self, frame):
        traffic = self.traffic
        for cut in self.cuts:
            if cut.hits(frame):
                traffic["cutPackets"] += 1
                return
        at = now = monotonic()
        length = len(frame) - ETHERNET_BYTES
        if not self.plain:
            if self.loses():
                traffic["lostPackets"] += 1
                return
            if self.rate:
                at = max(now, self.free)
                if at - now > self.queue:
                    traffic["queueDroppedPackets"] += 1
                    return
                self.free = at = at + length * 8 / self.rate
            at += self.delay + self.jitter * self.random()
        traffic["packets"] += 1
        traffic["bytes"] += length
        if at <= now and self.last <= now:
            self.deliver(frame)
            return
        self.last = at = max(at, self.last)
        self.schedule.add(at, self.deliver, frame)
