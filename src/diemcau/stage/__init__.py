"""What is seen and heard: from meetings' states to the media node's programs. See docs/stage.md."""

from diemcau.stage.errors import NotAskedToPublish, PublisherNotFound, TooManyPins, ViewerNotFound
from diemcau.stage.keeper import GONE, LINES, PARTS, STANDING
from diemcau.stage.scene import Part, Publish
from diemcau.stage.service import PublisherAnswer, Stage, ViewerAnswer

__all__ = [
    "GONE",
    "LINES",
    "PARTS",
    "STANDING",
    "NotAskedToPublish",
    "Part",
    "Publish",
    "PublisherAnswer",
    "PublisherNotFound",
    "Stage",
    "TooManyPins",
    "ViewerAnswer",
    "ViewerNotFound",
]
