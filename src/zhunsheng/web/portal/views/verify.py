"""The page that verifies a draw in the reader's own browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from zhunsheng.engine import tables
from zhunsheng.engine.words import messages
from zhunsheng.web.common.errors import language
from zhunsheng.web.portal.views.serving import asked, public

#: What the script may have to say: the sentences of the engine about draws, without those of its command.
SAID = ("draw.", "public_log.", "signing.", "suites.", "verify_page.")
UNSAID = ("draw.cli.", "public_log.cli.")


@public
def verify(request: HttpRequest) -> HttpResponse:
    """Verifies a bundle that is chosen, dropped, or named as ?bundle= (the address of a bundle of this site)."""
    named = asked(request, "bundle", 300)
    url = named if _is_bundle(named) else ""
    return render(request, "portal/verify.html", {
        "bundle_url": url, "refused": bool(named) and not url, "words": words(language()), "tables": randomness(),
    })  # fmt: skip


@public
def commitment(request: HttpRequest) -> HttpResponse:
    """The tool of a party of a ceremony: secret strings and the commitments to them, made in its own browser."""
    party = asked(request, "party", 1)
    return render(request, "portal/commitment.html", {
        "no": asked(request, "no", 40), "party": party if party in {"1", "2", "3", "4"} else "1",
    })  # fmt: skip


def _is_bundle(address: str) -> bool:
    """Whether this is the path of a bundle of this site and nothing else: no host, no query."""
    try:
        return resolve(address).view_name == "portal:bundle"
    except (Resolver404, ValueError):
        return False


def words(lang: str) -> dict[str, str]:
    """Message code → template in the reader's language; parameters in braces, as the script fills them in."""
    return {
        code: message.en if lang == "en" else message.zh
        for code, message in messages().items()
        if code.startswith(SAID) and not code.startswith(UNSAID)
    }


def randomness() -> dict[str, list[dict[str, str]]]:
    """The dated tables that the script needs: which sources are enough, and the drand chains."""
    return {
        "profiles": [
            {
                "needs": row["needs"], "name": row.label("zh"), "name_en": row.label("en"),
                "from": str(row.valid_from or ""), "to": str(row.valid_to or ""),
            }
            for row in tables.load("draw/randomness").rows
        ],
        "chains": [
            {key: row[key] for key in ("chain", "public_key", "genesis", "period")}
            for row in tables.load("draw/drand_chains").rows
        ],
    }  # fmt: skip
