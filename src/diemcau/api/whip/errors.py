"""What these doors refuse beside what every door does."""

from diemcau.errors import DiemCauError


class NotAcceptable(DiemCauError):
    """The offer cannot be answered whole, or the client takes no SDP (RFC 9725 §4.4.2, §4.4.3)."""

    code = "not_acceptable"
    status = 406
    default = "The answer would not be what was asked for."


class UnsupportedMediaType(DiemCauError):
    """The body is not of the media type that the door takes."""

    code = "unsupported_media_type"
    status = 415
    default = "The body is of another media type."


class PreconditionFailed(DiemCauError):
    """`If-Match` names another ICE session."""

    code = "precondition_failed"
    status = 412
    default = "That is not the present ICE session."


class PreconditionRequired(DiemCauError):
    """A PATCH without `If-Match`."""

    code = "precondition_required"
    status = 428
    default = "If-Match with the entity-tag of the session is needed."


class IceRestartUnsupported(DiemCauError):
    """ICE restarts are refused; the session goes on (RFC 9725 §4.3.3)."""

    code = "ice_restart_unsupported"
    status = 422
    default = "ICE restarts are not supported: open another session."
