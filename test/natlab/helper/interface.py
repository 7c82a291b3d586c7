"""A network namespace with one Ethernet interface whose other end is ours: the whole of a lab host's network."""
import fcntl
import os
import socket
import struct

from kernel import CLONE_NEWNET, Unavailable, setns, unshare

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x890B, 0x8914, 0x8916, 0x891C
SIOCSIFMTU, SIOCSIFHWADDR = 0x8922, 0x8924
RTM_NEWLINK, RTM_NEWROUTE, NLM_F_REQUEST, NLM_F_ACK, NLM_F_REPLACE, IFLA_TXQLEN = 16, 24, 1, 4, 0x100, 13
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC, RTA_METRICS, RTAX_CC_ALGO = 1, 4, 5, 7, 8, 16
RT_TABLE_MAIN, RTN_UNICAST, RTPROT_KERNEL, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 254, 1, 2, 3, 0, 253
IFF_UP, IFF_BROADCAST, IFF_NOARP, IFF_MULTICAST = 0x1, 0x2, 0x80, 0x1000
RTF_UP, RTF_GATEWAY = 0x1, 0x2
MTU_BYTES = 1500
# Without ARP a kernel addresses every frame to its own MAC address: if all have the same one, all frames arrive as sent.
MAC = bytes((2, 0, 0, 0, 0, 1))
# A browser that finds an `eth0` takes it for a wire; a name like `tun0` would make it a VPN, used last.
NAME = b"eth0"


def ioctl(control, request, name, payload):
    fcntl.ioctl(control, request, struct.pack("16s24s", name, payload))


def inet(address):
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


class Interface:
    def __init__(self, congestion=None):
        self.congestion = congestion
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            unshare(CLONE_NEWNET, "network namespace")
            self.namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
            no_ipv6()
            self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tap = open_tap()
            ioctl(self.control, SIOCSIFFLAGS, b"lo", struct.pack("H", IFF_UP))
            ioctl(self.control, SIOCSIFHWADDR, NAME, struct.pack("H6s", 1, MAC))
            ioctl(self.control, SIOCSIFMTU, NAME, struct.pack("i", MTU_BYTES))
            # Bursts wait here while we are busy; what a slow wire drops is for the link to say.
            set_queue_length(socket.if_nametoindex(NAME.decode()), 10_000)
            ioctl(self.control, SIOCSIFFLAGS, NAME, struct.pack("H", IFF_UP | IFF_BROADCAST | IFF_NOARP | IFF_MULTICAST))
        finally:
            setns(home, CLONE_NEWNET, "network namespace")
            os.close(home)

    def set_address(self, address, gateway):
        ioctl(self.control, SIOCSIFADDR, NAME, inet(address))
        ioctl(self.control, SIOCSIFNETMASK, NAME, inet("255.255.255.0"))
        route = struct.pack(
            "L16s16s16sHhLPhPLLH", 0, inet("0.0.0.0"), inet(gateway), inet("0.0.0.0"), RTF_UP | RTF_GATEWAY, 0, 0, 0, 0, 0, 0, 0, 0
        )
        fcntl.ioctl(self.control, SIOCADDRT, route)
        if self.congestion is not None:
            self.control_congestion(socket.inet_aton(address), socket.inet_aton(gateway))

    def control_congestion(self, address, gateway):
        """By its routes: the setting for all of a network takes only what the machine allows everybody."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            setns(self.namespace, CLONE_NEWNET, "network namespace")
            metrics = attribute(RTA_METRICS, attribute(RTAX_CC_ALGO, self.congestion.encode() + b"\0"))
            rest = attribute(RTA_OIF, struct.pack("I", socket.if_nametoindex(NAME.decode()))) + metrics
            segment = attribute(RTA_DST, address[:3] + b"\0") + attribute(RTA_PREFSRC, address) + rest
            change_route(24, RTPROT_KERNEL, RT_SCOPE_LINK, segment, self.congestion)
            change_route(0, RTPROT_BOOT, RT_SCOPE_UNIVERSE, attribute(RTA_GATEWAY, gateway) + rest, self.congestion)
        finally:
            setns(home, CLONE_NEWNET, "network namespace")
            os.close(home)


def attribute(kind, value):
    return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def change_route(prefix_length, protocol, scope, attributes, congestion):
    header = struct.pack(
        "BBBBBBBBI", socket.AF_INET, prefix_length, 0, 0, RT_TABLE_MAIN, protocol, scope, RTN_UNICAST, 0
    )
    tell_kernel(RTM_NEWROUTE, NLM_F_REPLACE, header + attributes, f"TCP with {congestion}")


def set_queue_length(index, packets):
    """By netlink: the ioctl for it wants root outside too."""
    body = struct.pack("BxHiII", socket.AF_UNSPEC, 0, index, 0, 0) + attribute(IFLA_TXQLEN, struct.pack("I", packets))
    tell_kernel(RTM_NEWLINK, 0, body, "queue of eth0")


def tell_kernel(kind, flags, body, what):
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    netlink.send(struct.pack("IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0) + body)
    number = struct.unpack_from("i", netlink.recv(4096), 16)[0]
    netlink.close()
    if number != 0:
        raise OSError(-number, f"{what}: {os.strerror(-number)}")


def no_ipv6():
    for scope in ("all", "default"):
        path = f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"
        if os.path.exists(path):
            with open(path, "w") as file:
                file.write("1")


def open_tap():
    try:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", NAME, IFF_TAP | IFF_NO_PI))
        return tap
    except OSError as error:
        raise Unavailable(
            f"/dev/net/tun cannot be used ({error.strerror})",
            "load it (modprobe tun); in a container, hand it in (docker: --device /dev/net/tun)",
        )
