"""The media node as control sees it: a client, a supervisor, a fake. Knows ids, no sites and no meetings."""

from diemcau.media.errors import (
    BadOffer,
    MediaBusy,
    MediaError,
    MediaUnavailable,
    NoCommonCodec,
    NodeRefused,
    PublisherNotFound,
    ViewerNotFound,
)
from diemcau.media.port import MediaNode, NodeDown, NodeUp, Signal

__all__ = [
    "BadOffer",
    "MediaBusy",
    "MediaError",
    "MediaNode",
    "MediaUnavailable",
    "NoCommonCodec",
    "NodeDown",
    "NodeRefused",
    "NodeUp",
    "PublisherNotFound",
    "Signal",
    "ViewerNotFound",
]
