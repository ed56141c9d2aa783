"""The doors, as docs/protocol.md says: translate, authorise, call; no rules. See docs/serving.md."""

from diemcau.api.build import create
from diemcau.api.services import ApiOptions, Services

__all__ = ["ApiOptions", "Services", "create"]
