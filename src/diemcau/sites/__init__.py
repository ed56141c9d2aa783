"""Sites: places with a camera that can join meetings. See docs/access.md."""

from diemcau.sites.service import Sites
from diemcau.sites.site import (
    Answer,
    NewSite,
    PersonPresent,
    ScopeEntry,
    Site,
    SiteChange,
    SiteKind,
    SiteNotFound,
    SitePage,
)
from diemcau.sites.words import has_words, searchable

__all__ = [
    "Answer",
    "NewSite",
    "PersonPresent",
    "ScopeEntry",
    "Site",
    "SiteChange",
    "SiteKind",
    "SiteNotFound",
    "SitePage",
    "Sites",
    "has_words",
    "searchable",
]
