"""What is seen and heard: from meetings' states to the media node's programs. See docs/stage.md."""

from diemcau.stage.errors import NotAskedToPublish, PublisherNotFound, TooManyPins, ViewerNotFound
from diemcau.stage.mirror import PRIVATE_PREFIX
from diemcau.stage.scene import Machine, Part, Publish, Source
from diemcau.stage.service import PublisherAnswer, Stage, ViewerAnswer
from diemcau.stage.telling import GONE, LINES, PARTS, STANDING

__all__ = [
    "GONE",
    "LINES",
    "PARTS",
    "PRIVATE_PREFIX",
    "STANDING",
    "Machine",
    "NotAskedToPublish",
    "Part",
    "Publish",
    "PublisherAnswer",
    "PublisherNotFound",
    "Source",
    "Stage",
    "TooManyPins",
    "ViewerAnswer",
    "ViewerNotFound",
]
