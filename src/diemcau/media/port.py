"""What the rooms above need of a media node."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from diemcau.media import wire


@dataclass(frozen=True, slots=True)
class NodeUp:
    """A connection to a node stands. `fresh`: another process than before; every media connection is gone."""

    incarnation: str
    fresh: bool
    snapshot: wire.SnapshotEvent


@dataclass(frozen=True, slots=True)
class NodeDown:
    """The connection to the node ended. Its pictures may go on: only `NodeUp.fresh` says that they do not."""

    reason: str


Signal = NodeUp | NodeDown | wire.Event
"""What a node's handler is given, in order."""

Handler = Callable[[Signal], None]
"""Called on the event loop; must not block and must not raise."""


class MediaNode(Protocol):
    """A media node that takes commands.

    Commands are of the types in `diemcau.media.wire`; the client adds the id.
    """

    @property
    def connected(self) -> bool:
        """Whether a command would be sent now."""

    def listen(self, handler: Handler) -> None:
        """Hands every signal from now on to `handler`; called before the node's client is started."""

    async def call(self, command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        """Sends one command and waits for its reply, at most `patience` seconds.

        Raises:
            MediaUnavailable: no node, no answer in time, or the node restarted meanwhile.
            MediaError: the node refused (see `diemcau.media.errors`).
        """
