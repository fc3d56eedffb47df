"""A slow link on loopback: so many bits a second each way, and so long from one end to the other."""

import asyncio
import contextlib
from collections.abc import Iterator
from multiprocessing.connection import Connection

from bench.processes import SPAWN

PORTION_BYTES = 4_096
LATE_SECONDS_MAX = 0.05
"""What a timer that comes late loses is made up for, if it is no more than that."""


@contextlib.contextmanager
def link(port: int, bits_a_second: float, delay_seconds: float) -> Iterator[int]:
    """A process that takes connections to `port` of this machine over the link; the port where it listens."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_run, args=(theirs, port, bits_a_second / 8, delay_seconds), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _run(pipe: Connection, port: int, bytes_a_second: float, delay_seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _carry(reader, far_writer, bytes_a_second, delay_seconds),
            _carry(far_reader, writer, bytes_a_second, delay_seconds),
        )

    async def serve() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=PORTION_BYTES)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bytes_a_second: float, delay_seconds: float
) -> None:
    """One way. What has left stays on its way for the delay, while more leaves."""
    way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def arrive() -> None:
        while True:
            at, data = await way.get()
            await asyncio.sleep(at - clock())
            writer.write(data)
            await writer.drain()
            if not data:
                writer.close()
                return

    arriving = asyncio.create_task(arrive())
    free_at = 0.0
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(PORTION_BYTES):
            free_at = max(free_at, clock() - LATE_SECONDS_MAX) + len(data) / bytes_a_second
            await asyncio.sleep(free_at - clock())
            way.put_nowait((free_at + delay_seconds, data))
    way.put_nowait((clock(), b""))
    with contextlib.suppress(ConnectionError):
        await arriving
