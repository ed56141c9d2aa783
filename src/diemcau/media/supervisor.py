"""Starts the media node, adopts one that runs, restarts one that died."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog

from diemcau.media.client import NodeClient
from diemcau.media.errors import MediaUnavailable
from diemcau.processes import peer, prefer

READY_S = 15.0
"""Seconds in which a started node must print its ready line."""

STOP_S = 5.0
"""Seconds between SIGTERM and SIGKILL."""

STEADY_S = 30.0
"""A node that ran this long is restarted at once; one that died sooner waits longer each time."""

BACKOFF_MAX_S = 10.0

LOOK_S = 0.2
"""Seconds between two looks for a node that somebody else starts."""

NICE = -5
"""Niceness of the node: the pictures of those who are in come before those who come in. The units in deploy/
say the same."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """How a node is started; `bind` and `announce` as `diemcau-media serve` takes them."""

    executable: Path
    control: Path
    bind: str = "127.0.0.1:0"
    announce: tuple[str, ...] = ()
    workers: int = 2
    tcp: bool = True
    tcp_port: int | None = None
    log_file: Path | None = None
    start: bool = True
    """False: somebody else starts nodes; one that answers is adopted."""
    extra: tuple[str, ...] = field(default=())

    def arguments(self) -> list[str]:
        """The command line after the executable."""
        options = ["serve", "--control", str(self.control), "--workers", str(self.workers)]
        options += ["--bind", self.bind]
        for announce in self.announce:
            options += ["--announce", announce]
        if not self.tcp:
            options.append("--no-tcp")
        elif self.tcp_port is not None:
            options += ["--tcp-port", str(self.tcp_port)]
        return [*options, *self.extra]


class Supervisor:
    """Owns the node's process for as long as `run` runs.

    The node gets a session of its own and writes to a file, never to our pipes: killing control with any
    signal leaves it, and every picture, running. The next control finds the socket answered and adopts it.
    """

    def __init__(self, options: NodeOptions, client: NodeClient) -> None:
        self.options = options
        self.client = client
        self.restarts = 0
        self.pid: int | None = None
        self.ready: dict[str, object] = {}
        self._child: int | None = None

    async def run(self) -> None:
        """Keeps a node running until cancelled; `stop` ends the node itself."""
        # Before the client can be connected: who is connected may be asked to stop what it is connected to.
        self.pid = await asyncio.to_thread(owner, self.options.control)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.client.run(), name="media-client")
            group.create_task(self._keep(), name="media-supervisor")

    async def stop(self) -> None:
        """Ends the node (SIGTERM, after 5 s SIGKILL), child or adopted; `run` must be cancelled before."""
        if self.pid is None:
            return
        with contextlib.suppress(ProcessLookupError), _Process(self.pid) as process:
            process.send(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.ended(), STOP_S)
            except TimeoutError:
                log.warning("media node did not stop, killing it", pid=self.pid)
                process.send(signal.SIGKILL)
                await process.ended()
        self._reap()
        self.pid = None

    async def _keep(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self.pid = await asyncio.to_thread(owner, self.options.control)
            try:
                if self.pid is None and not self.options.start:
                    await asyncio.sleep(LOOK_S)  # another's process: there is no event to wait for
                    continue
                if self.pid is None:
                    self.pid = await self._start()
                else:
                    log.info("adopted the running media node", pid=self.pid)
                self.client.poke()
                with _Process(self.pid) as process:
                    await process.ended()
                self._reap()
                log.error("media node ended", pid=self.pid)
            except (OSError, MediaUnavailable) as error:
                log.error("media node could not be started", error=str(error))
            self.pid = None
            self.restarts += 1
            failures = 0 if loop.time() - began > STEADY_S else failures + 1
            await asyncio.sleep(min(0.1 * 2**failures, BACKOFF_MAX_S))

    async def _start(self) -> int:
        options = self.options
        options.control.parent.mkdir(parents=True, exist_ok=True)
        options.control.unlink(missing_ok=True)  # nobody answers on it: `owner` has just tried
        # Neither asyncio's subprocess nor Popen: both take a child that outlives them for a mistake.
        pid, output = await asyncio.to_thread(self._spawn)
        self._child = self.pid = pid  # at once: `stop` must find it even before it is ready
        reason = "it ended before it was ready"
        ready: object = None
        try:
            async with asyncio.timeout(READY_S):
                ready = orjson.loads(await asyncio.to_thread(_first_line, output) or b"null")
        except TimeoutError:
            reason = f"no ready line within {READY_S:.0f} s"
        except ValueError as error:
            reason = f"its ready line is not JSON: {error}"
        finally:
            if not isinstance(ready, dict):
                os.kill(pid, signal.SIGKILL)  # not reaped yet, so still ours
        if not isinstance(ready, dict):
            self._reap()
            raise MediaUnavailable(f"The media node did not become ready: {reason}")
        self.ready = ready
        log.info("media node started", pid=pid, ready=ready)
        return pid

    def _spawn(self) -> tuple[int, int]:
        """Starts the node in a session of its own; answers its pid and the reading end of its output."""
        options = self.options
        executable = str(options.executable)
        reading, writing = os.pipe()
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
        ]
        if options.log_file is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            actions.append((os.POSIX_SPAWN_OPEN, 2, str(options.log_file), flags, 0o600))
        try:
            argv = [executable, *options.arguments()]
            pid = os.posix_spawn(executable, argv, os.environ, file_actions=actions, setsid=True)
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        prefer(pid, NICE)
        return pid, reading

    def _reap(self) -> None:
        """Takes the exit status of a child that has ended, so that it does not stay a zombie."""
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._child, 0)
            self._child = None


def _first_line(output: int) -> bytes:
    with os.fdopen(output, "rb") as file:
        return file.readline()


def owner(path: Path) -> int | None:
    """Process id of whoever listens on the Unix socket, if anyone of this user does."""
    found = peer(path)
    return found.pid if found is not None and found.uid == os.getuid() else None


class _Process:
    """Another process, child or not, by a descriptor that cannot come to mean a later one (pidfd_open(2))."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    async def ended(self) -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        loop.add_reader(self._descriptor, done.set)
        try:
            await done.wait()
        finally:
            loop.remove_reader(self._descriptor)
