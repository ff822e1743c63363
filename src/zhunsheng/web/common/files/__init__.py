"""Files that people send: which kinds are taken, that they are what they say, and copies of them that may be published."""

from zhunsheng.web.common.files.checking import check
from zhunsheng.web.common.files.copies import public_copy, thumbnail
from zhunsheng.web.common.files.kinds import BY_MIME, KINDS, Kind, accept, ending_of, kinds_said
from zhunsheng.web.common.files.names import shown_name

__all__ = [
    "BY_MIME",
    "KINDS",
    "Kind",
    "accept",
    "check",
    "ending_of",
    "kinds_said",
    "public_copy",
    "shown_name",
    "thumbnail",
]
