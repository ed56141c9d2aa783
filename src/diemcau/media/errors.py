"""What can go wrong between control and a media node."""

from diemcau.errors import DiemCauError
from diemcau.media import wire


class MediaError(DiemCauError):
    """Base of the room's errors."""

    code = "media_error"
    status = 502


class MediaUnavailable(MediaError):
    """No media node is connected, it did not answer in time, or it restarted under the command."""

    code = "media_unavailable"
    status = 503


class MediaBusy(MediaError):
    """The node, or the way to it, is full."""

    code = "busy"
    status = 503


class BadOffer(MediaError):
    """The SDP offer cannot be understood or asks for what a node does not do."""

    code = "bad_offer"
    status = 422


class NoCommonCodec(MediaError):
    """The offer holds no codec that the node speaks."""

    code = "no_common_codec"
    status = 422


class ViewerNotFound(MediaError):
    """The node knows no such viewer (any more)."""

    code = "viewer_not_found"
    status = 404


class PublisherNotFound(MediaError):
    """The node knows no such publisher (any more)."""

    code = "not_found"
    status = 404


class NodeRefused(MediaError):
    """Any other refusal; `details["node_code"]` is the node's own code."""


class MediaExecutableMissing(MediaError):
    """`diemcau-media` is neither beside the interpreter, nor on PATH, nor where the setting says."""

    code = "media_executable_missing"
    status = 503


_BY_CODE: dict[str, type[MediaError]] = {
    error.code: error for error in (BadOffer, NoCommonCodec, ViewerNotFound, MediaBusy)
} | {"publisher_not_found": PublisherNotFound, "bad_sdp": BadOffer}


def refusal(failure: wire.Failure) -> MediaError:
    """The exception for a node's `error` reply."""
    kind = _BY_CODE.get(failure.code, NodeRefused)
    return kind(failure.message, node_code=failure.code)
