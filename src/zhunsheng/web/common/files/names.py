"""File names as they may be shown."""

import unicodedata


def shown_name(name: str) -> str:
    """A file name as it may be shown: no folders, no control characters, no marks that turn the writing round."""
    base = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(character for character in base if unicodedata.category(character)[0] != "C")
    return kept if len(kept) <= 200 else f"{kept[:150]}…{kept[-40:]}"
