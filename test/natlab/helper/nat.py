"""A NAT as RFC 4787 describes them: how it maps, what it lets in, whether it turns back what is meant for itself."""
import random
import struct
from time import monotonic

ICMP, TCP, UDP = 1, 6, 17
CHECKSUM_OFFSET = {ICMP: 36, TCP: 50, UDP: 40}
ECHO_REPLY, ECHO = 0, 8
words = struct.Struct("!H").unpack_from


def complement_sum(text):
    return sum(~word & 0xFFFF for (word,) in struct.iter_unpack("!H", text))


def plain_sum(text):
    return sum(word for (word,) in struct.iter_unpack("!H", text))


def adjust(frame, offset, delta):
    """RFC 1624: a checksum changed by what was taken out and put in."""
    total = (~words(frame, offset)[0] & 0xFFFF) + delta
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", frame, offset, ~total & 0xFFFF)


class Rewrite:
    """Puts an address and a port (or an echo's identifier) in the place of others."""

    def __init__(self, old_address, old_port, address, port):
        self.address, self.port = address, port
        self.address_delta = complement_sum(old_address) + plain_sum(address)
        self.port_delta = complement_sum(old_port) + plain_sum(port)

    def apply(self, frame, protocol, address_offset, port_offset):
        frame[address_offset : address_offset + 4] = self.address
        frame[port_offset : port_offset + 2] = self.port
        adjust(frame, 24, self.address_delta)
        offset = CHECKSUM_OFFSET[protocol]
        if protocol == ICMP:
            adjust(frame, offset, self.port_delta)
        elif protocol == TCP or frame[offset] or frame[offset + 1]:
            adjust(frame, offset, self.address_delta + self.port_delta)


class Mapping:
    def __init__(self, protocol, inside, external):
        self.protocol, self.inside, self.external = protocol, inside, external
        self.out = Rewrite(*inside, *external)
        self.back = Rewrite(*external, *inside)
        self.used = 0.0
        self.known = {}


def endpoints(frame):
    """Protocol, source port, destination port; None for what has no ports or comes in fragments."""
    if len(frame) < 42 or frame[14] != 0x45 or (frame[20] & 0x3F) or frame[21]:
        return None
    protocol = frame[23]
    if protocol == UDP or protocol == TCP:
        if protocol == TCP and len(frame) < 54:
            return None
        return protocol, bytes(frame[34:36]), bytes(frame[36:38])
    if protocol == ICMP and frame[34] in (ECHO, ECHO_REPLY):
        return protocol, bytes(frame[38:40]), b"\0\0"
    return None


class Nat:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.forget()

    def configure(self, wanted):
        self.mapping = wanted["mapping"]
        self.filtering = wanted["filtering"]
        self.hairpin = wanted["hairpin"]
        self.block_udp = wanted["blockUdp"]
        self.timeout = wanted["mappingTimeoutMs"] / 1000

    def forget(self):
        self.by_inside, self.by_external = {}, {}

    def place(self, address, lan, send_up):
        """Where it stands: its address, the segment it serves, and the way out."""
        self.address, self.lan, self.send_up = address, lan, send_up

    def expired(self, mapping, now):
        return mapping.protocol != TCP and now - mapping.used > self.timeout

    def drop(self, mapping):
        self.by_external.pop((mapping.protocol, mapping.external[1]), None)
        for key in [key for key, value in self.by_inside.items() if value is mapping]:
            del self.by_inside[key]

    def new_mapping(self, protocol, inside):
        while True:
            port = struct.pack("!H", self.random.randrange(1024, 65536))
            if (protocol, port) not in self.by_external:
                mapping = Mapping(protocol, inside, (self.address, port))
                self.by_external[protocol, port] = mapping
                return mapping

    def outbound(self, frame):
        parts = endpoints(frame)
        if parts is None or (self.block_udp and parts[0] == UDP):
            return
        protocol, port, remote_port = parts
        source, remote = bytes(frame[26:30]), bytes(frame[30:34])
        to_itself = remote == self.address
        if to_itself and not self.hairpin:
            return
        key = (protocol, source, port)
        if self.mapping != "endpoint-independent":
            key += (remote,) if self.mapping == "address-dependent" else (remote, remote_port)
        now = monotonic()
        mapping = self.by_inside.get(key)
        if mapping is not None and self.expired(mapping, now):
            self.drop(mapping)
            mapping = None
        if mapping is None:
            mapping = self.by_inside[key] = self.new_mapping(protocol, (source, port))
        mapping.used = mapping.known[remote] = mapping.known[remote, remote_port] = now
        changed = bytearray(frame)
        mapping.out.apply(changed, protocol, 26, 38 if protocol == ICMP else 34)
        if to_itself:
            self.inbound(changed)
        else:
            self.send_up(changed)

    def lets_in(self, mapping, remote, port, now):
        if self.filtering == "endpoint-independent":
            return True
        known = mapping.known.get(remote if self.filtering == "address-dependent" else (remote, port))
        return known is not None and (mapping.protocol == TCP or now - known <= self.timeout)

    def inbound(self, frame):
        parts = endpoints(frame)
        if parts is None or (self.block_udp and parts[0] == UDP):
            return
        protocol, remote_port, port = parts
        if protocol == ICMP:
            remote_port, port = port, remote_port
        mapping = self.by_external.get((protocol, port))
        now = monotonic()
        if mapping is None or self.expired(mapping, now):
            return
        if not self.lets_in(mapping, bytes(frame[26:30]), remote_port, now):
            return
        changed = bytearray(frame)
        mapping.back.apply(changed, protocol, 30, 38 if protocol == ICMP else 36)
        self.lan.route(changed, self)
