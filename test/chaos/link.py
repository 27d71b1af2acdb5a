"""A bad link: passes packets between two TUN devices, with loss and delay. For kernels without tc's netem as well.

Arguments: the names of the devices, which are made here. Prints "ready" when they are there, and then obeys lines of
"LOSS DELAY JITTER" (of 1, and in ms). Ends with its standard input.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main():
    ends = [open_tun(name) for name in sys.argv[1:3]]
    print("ready", flush=True)
    loss, delay, jitter = 0.0, 0.0, 0.0
    waiting = []
    count = 0
    poll = select.poll()
    for fd in (*ends, 0):
        poll.register(fd, select.POLLIN)
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, packet = heapq.heappop(waiting)
            try:
                os.write(to, packet)
            except OSError:
                pass  # it is down, or full: lost, as on any link
        timeout = None if not waiting else max(0, (waiting[0][0] - now) * 1000)
        for fd, _ in poll.poll(timeout):
            if fd == 0:
                line = sys.stdin.readline()
                if not line:
                    return
                loss, delay, jitter = (float(word) for word in line.split())
                continue
            to = ends[1] if fd == ends[0] else ends[0]
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except OSError:
                    break
                if random.random() < loss:
                    continue
                due = time.monotonic() + max(0, random.uniform(delay - jitter, delay + jitter)) / 1000
                count += 1
                heapq.heappush(waiting, (due, count, to, packet))


main()
