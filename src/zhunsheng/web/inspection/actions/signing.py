"""The one place where a section of a draw is signed: by the site's key, the same that signs the public log."""

from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw.seal import HIDDEN
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import suite
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log import signer


def sign_section(draw: Draw, section: str, body: Json) -> str:
    """Signs a section as it stands, in place of an earlier signature over it; the caller saves the draw. Returns its digest.

    Where the site has no key there is no signature, and the bundle says so by having none. Raises SuiteError where the
    signer does not answer: what is to be signed is not published unsigned.
    """
    key = draw.sealing.key if draw.sealed and section in HIDDEN else ""
    digest = engine.section_digest(draw.no, section, body, key, suite(draw.suite))
    kept = [one for one in draw.signatures if one["section"] != section]
    for who in signer.signers(log.origin())[:1]:
        kept += [one.as_json() for one in engine.sign(who, draw.no, {section: digest})]
    draw.signatures = kept
    return digest
