"""Debian's python3-websockets, for context: python-websockets.py PARAMETERS-AS-JSON; prints one line of JSON."""

import asyncio
import json
import resource
import ssl
import sys
import time

import websockets


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def server_seconds(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


class Meter:
    """Counts messages, and prints what happened between warm-up and end."""

    def __init__(self, p):
        self.p = p
        self.messages = 0
        self.latencies = []

    async def measure(self):
        await asyncio.sleep(self.p["warm"] / 1e3)
        base, self.latencies = self.messages, []
        server, cpu, start = server_seconds(self.p["server"]), cpu_seconds(), time.perf_counter()
        await asyncio.sleep(self.p["measure"] / 1e3)
        result = {
            "messages": self.messages - base,
            "seconds": time.perf_counter() - start,
            "cpuSeconds": cpu_seconds() - cpu,
            "serverSeconds": server_seconds(self.p["server"]) - server,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
        if self.latencies:
            self.latencies.sort()
            result["latencyMedian"] = self.latencies[len(self.latencies) // 2] * 1e6
            result["latencyP99"] = self.latencies[len(self.latencies) * 99 // 100] * 1e6
        print(json.dumps(result), flush=True)


async def echo(socket, p, meter, payload):
    for _ in range(p["flight"]):
        await socket.send(payload)
    while True:
        await socket.recv()
        meter.messages += 1
        await socket.send(payload)


async def roundtrip(socket, p, meter, payload):
    while True:
        start = time.perf_counter()
        await socket.send(payload)
        await socket.recv()
        meter.latencies.append(time.perf_counter() - start)
        meter.messages += 1


async def send(socket, p, meter, payload):
    for _ in range(p["flight"]):
        await socket.send(payload)
    while True:
        await socket.recv()
        meter.messages += p["every"]
        for _ in range(p["every"]):
            await socket.send(payload)


async def receive(socket, p, meter, payload):
    await socket.send("go")
    while True:
        await socket.recv()
        meter.messages += 1


SCENARIOS = {"echo": echo, "roundtrip": roundtrip, "send": send, "receive": receive}


async def main():
    p = json.loads(sys.argv[1])
    context = ssl.create_default_context(cafile=p["caFile"]) if p.get("caFile") else None
    payload = bytes(p["size"]) if p["type"] == "binary" else "a" * p["size"]
    compression = "deflate" if p["deflate"] else None
    async with websockets.connect(p["url"], ssl=context, compression=compression, max_size=None) as socket:
        meter = Meter(p)
        work = asyncio.ensure_future(SCENARIOS[p["mode"]](socket, p, meter, payload))
        await meter.measure()
        work.cancel()
        socket.transport.abort()


asyncio.run(main())
