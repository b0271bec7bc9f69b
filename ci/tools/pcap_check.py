#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a capture (pcap, Ethernet) and reports every malformed frame of one sender: pcap_check.py FILE [MAC]

Checks what a receiver relies on: lengths of each layer against the frame, header and data checksums (the pseudo-header
included), fragments, flags that exclude each other, options that fit, addresses that may be a source, padding to the
smallest frame. A checksum of an offloaded segment does not occur: what a capture of QEMU's sees is what left the machine.
"""
import collections
import ipaddress
import struct
import sys

ETH_IP4, ETH_ARP, ETH_IP6 = 0x0800, 0x0806, 0x86DD
TCP, UDP, ICMP4, ICMP6 = 6, 17, 1, 58
NEXT_OPTIONS = {0, 43, 60}


class Malformed(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Malformed(what)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frames(path):
    with open(path, "rb") as f:
        data = f.read()
    magic = data[:4]
    end = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(magic)
    need(end and struct.unpack(end + "I", data[20:24])[0] == 1, "not a capture of Ethernet frames")
    at = 24
    while at + 16 <= len(data):
        _, _, kept, size = struct.unpack(end + "IIII", data[at:at + 16])
        yield data[at + 16:at + 16 + kept], size
        at += 16 + kept


def tcp_options(data):
    at = 0
    while at < len(data):
        kind = data[at]
        if kind == 0:
            return
        if kind == 1:
            at += 1
            continue
        need(at + 1 < len(data), "TCP option cut off")
        size = data[at + 1]
        need(2 <= size <= len(data) - at, f"TCP option {kind} of {size} bytes")
        known = {2: (4,), 3: (3,), 4: (2,), 5: (10, 18, 26, 34), 8: (10,)}
        need(kind not in known or size in known[kind], f"TCP option {kind} of {size} bytes")
        at += size


def check_tcp(data):
    need(len(data) >= 20, "TCP header cut off")
    sport, dport, _, _, offset, flags, _, _, _ = struct.unpack("!HHIIBBHHH", data[:20])
    size = (offset >> 4) * 4
    need(20 <= size <= len(data), f"TCP header of {size} bytes in {len(data)}")
    need(sport and dport, "TCP port 0")
    need(not offset & 0xF, "TCP reserved bits")
    syn, fin, rst, ack = flags & 2, flags & 1, flags & 4, flags & 16
    need(not (syn and (fin or rst)), "TCP SYN with FIN or RST")
    need(syn or rst or ack, "TCP segment without ACK, SYN or RST")
    tcp_options(data[20:size])


def check_udp(data):
    need(len(data) >= 8, "UDP header cut off")
    need(struct.unpack("!H", data[4:6])[0] == len(data), "UDP length differs from the packet's")
    need(data[2:4] != b"\0\0", "UDP destination port 0")


def check_transport(protocol, data, pseudo, is_v6):
    """The whole of an unfragmented packet behind the IP header."""
    if protocol == TCP:
        check_tcp(data)
        need(checksum(pseudo + data) == 0, "TCP checksum")
    elif protocol == UDP:
        check_udp(data)
        need(data[6:8] != b"\0\0" or not is_v6, "UDP over IPv6 without checksum")
        need(data[6:8] == b"\0\0" or checksum(pseudo + data) == 0, "UDP checksum")
    elif protocol == ICMP4:
        need(not is_v6 and len(data) >= 8, "ICMP header")
        need(checksum(data) == 0, "ICMP checksum")
    elif protocol == ICMP6:
        need(is_v6 and len(data) >= 4, "ICMPv6 header")
        need(checksum(pseudo + data) == 0, "ICMPv6 checksum")


def check_ip4(data, seen):
    need(len(data) >= 20 and data[0] >> 4 == 4, "IPv4 header")
    size = (data[0] & 15) * 4
    total, _, fragment = struct.unpack("!HHH", data[2:8])
    need(20 <= size <= total <= len(data), f"IPv4 lengths: header {size}, packet {total}, frame {len(data)}")
    need(len(data) == total or len(data) == 46, "bytes behind the IPv4 packet that are no padding")
    need(checksum(data[:size]) == 0, "IPv4 header checksum")
    need(data[8], "IPv4 time to live 0")
    need(not fragment & 0x8000, "IPv4 reserved flag")
    source = ipaddress.IPv4Address(data[12:16])
    need(not source.is_multicast and not source.is_loopback and str(source) != "255.255.255.255", f"IPv4 source {source}")
    more, at = fragment & 0x2000, fragment & 0x1FFF
    need(not more or (total - size) % 8 == 0, "IPv4 fragment not a multiple of 8")
    need(at * 8 + total - size <= 65535, "IPv4 fragment beyond 65,535")
    if not more and not at:
        pseudo = data[12:20] + struct.pack("!HH", data[9], total - size)
        check_transport(data[9], data[size:total], pseudo, False)
    seen["IPv4 fragment" if more or at else f"IPv4 protocol {data[9]}"] += 1


def check_ip6(data, seen):
    need(len(data) >= 40 and data[0] >> 4 == 6, "IPv6 header")
    payload, protocol, hops = struct.unpack("!HBB", data[4:8])
    need(40 + payload <= len(data), f"IPv6 payload of {payload} in {len(data)}")
    need(len(data) == 40 + payload or len(data) == 46, "bytes behind the IPv6 packet")
    need(hops, "IPv6 hop limit 0")
    source, target = (ipaddress.IPv6Address(data[a:a + 16]) for a in (8, 24))
    need(not source.is_multicast and not source.is_loopback, f"IPv6 source {source}")
    need(str(target) != "::" and not target.is_loopback, f"IPv6 destination {target}")
    at, last, whole = 40, 40 + payload, True
    while protocol in NEXT_OPTIONS or protocol == 44:
        need(at + 8 <= last, "IPv6 extension cut off")
        if protocol == 44:
            whole = False
            field = struct.unpack("!H", data[at + 2:at + 4])[0]
            need(not field & 1 or (last - at - 8) % 8 == 0, "IPv6 fragment not a multiple of 8")
            size = 8
        else:
            size = 8 * (data[at + 1] + 1)
        protocol = data[at]
        at += size
        need(at <= last, "IPv6 extension cut off")
        if not whole:
            break
    if whole:
        pseudo = data[8:40] + struct.pack("!IHBB", last - at, 0, 0, protocol)
        check_transport(protocol, data[at:last], pseudo, True)
        if protocol == ICMP6 and 133 <= data[at] <= 137:
            need(hops == 255, "neighbour discovery with a hop limit other than 255")
    seen[f"IPv6 protocol {protocol}" if whole else "IPv6 fragment"] += 1


def check_arp(data, seen):
    need(len(data) >= 28 and data[:6] == b"\0\1\x08\0\x06\x04" and data[6:8] in (b"\0\1", b"\0\2"), "ARP packet")
    need(not data[8] & 1, "ARP sender is a group address")
    seen["ARP"] += 1


def check(frame, size, seen):
    need(len(frame) == size, "frame longer than the capture keeps")
    need(14 <= size <= 1514, f"frame of {size} bytes")
    need(not frame[6] & 1, "sent from a group address")
    kind = struct.unpack("!H", frame[12:14])[0]
    layers = {ETH_IP4: check_ip4, ETH_IP6: check_ip6, ETH_ARP: check_arp}
    need(kind in layers, f"Ethernet type {kind:#06x}")
    layers[kind](frame[14:], seen)


def check_file(path, mac=None):
    """(frames of that sender (all without MAC), {kind: how many}, [complaint])."""
    seen, bad, count = collections.Counter(), [], 0
    wanted = bytes.fromhex(mac.replace(":", "")) if mac else None
    for number, (frame, size) in enumerate(frames(path), 1):
        if wanted and frame[6:12] != wanted:
            continue
        count += 1
        try:
            check(frame, size, seen)
        except (Malformed, struct.error, IndexError) as e:
            bad.append(f"frame {number}: {e}: {frame[:80].hex()}")
    return count, seen, bad


if __name__ == "__main__":
    total, kinds, complaints = check_file(*sys.argv[1:3])
    print(f"{total} frames;", ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())))
    print("\n".join(complaints[:50]) or "none is malformed")
    sys.exit(bool(complaints))
