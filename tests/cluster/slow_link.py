"""slow_link.py A B MILLISECONDS: carries frames between two network interfaces, each so much later than it came.

What `tc qdisc add ... netem delay` does where the kernel has it. The interfaces belong to no bridge and have no addresses; offloads stay on,
because each frame comes and goes with the header that describes them. Runs until it is killed."""
import collections
import select
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3


def open_interface(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind((name, 0))
    s.setblocking(False)
    return s


def take_all(source, queue, due):
    while True:
        try:
            frame, address = source.recvfrom(1 << 17)
        except BlockingIOError:
            return
        if address[2] != socket.PACKET_OUTGOING:
            queue.append((due, frame))


def main():
    a, b = open_interface(sys.argv[1]), open_interface(sys.argv[2])
    delay = float(sys.argv[3]) / 1000
    ways = [(a, b, collections.deque()), (b, a, collections.deque())]
    print("ready", flush=True)
    while True:
        heads = [queue[0][0] for _, _, queue in ways if queue]
        wait = max(0.0, min(heads) - time.monotonic()) if heads else None
        select.select([a, b], [], [], wait)
        now = time.monotonic()
        for source, target, queue in ways:
            take_all(source, queue, now + delay)
            while queue and queue[0][0] <= now:
                try:
                    target.send(queue.popleft()[1])
                except OSError:
                    pass  # a frame may be lost, as on any network


main()
