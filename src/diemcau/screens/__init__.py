"""What stands on other monitors than the desk's: walls and their layouts, the stage's output, the leader's
screen and his shortlist."""

from diemcau.screens.documents import Kind, Layout, Order, Patrol, Show, Status
from diemcau.screens.errors import ScreenNotFound
from diemcau.screens.registry import Screen
from diemcau.screens.service import SavedLayout, Screens

__all__ = [
    "Kind",
    "Layout",
    "Order",
    "Patrol",
    "SavedLayout",
    "Screen",
    "ScreenNotFound",
    "Screens",
    "Show",
    "Status",
]
