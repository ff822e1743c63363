"""Time-stamps of checkpoints by an authority outside (RFC 3161): optional, by the package rfc3161-client."""

import datetime
import urllib.request
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused

SECONDS = 30
MOST = 1024 * 1024


def authority() -> str:
    """The address of the authority; '' where none is set."""
    return str(settings.LOG_TSA_URL)


def stamp(data: bytes) -> tuple[bytes, datetime.datetime]:
    """Has the authority stamp these bytes. Returns its answer (DER, as `openssl ts -reply -in` reads it) and its time.

    The answer is verified against the roots in ZHUNSHENG_LOG_TSA_CA before it is returned. Raises Refused otherwise.
    """
    if not authority():
        raise Refused(_("没有设置时间戳服务机构（ZHUNSHENG_LOG_TSA_URL）"))
    try:
        from cryptography import x509
        from rfc3161_client import (
            HashAlgorithm,
            TimestampRequestBuilder,
            VerificationError,
            VerifierBuilder,
            decode_timestamp_response,
        )
    except ImportError as problem:
        raise Refused(_('时间戳需要另装一个包：pip install "zhunsheng[timestamps]"')) from problem
    try:
        roots = x509.load_pem_x509_certificates(Path(settings.LOG_TSA_CA).read_bytes())
    except (OSError, ValueError) as problem:
        raise Refused(_("读不到时间戳服务机构的根证书（ZHUNSHENG_LOG_TSA_CA）")) from problem
    asked = (
        TimestampRequestBuilder()
        .data(data)
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .build()
    )
    try:
        answer = decode_timestamp_response(_post(asked.as_bytes()))
        verifier = VerifierBuilder.from_request(asked)
        for root in roots:
            verifier = verifier.add_root_certificate(root)
        verifier.build().verify_message(answer, data)
        return answer.as_bytes(), answer.tst_info.gen_time
    except (VerificationError, ValueError) as problem:
        raise Refused(_("时间戳服务机构的回答核对不通过：%(problem)s") % {"problem": problem}) from problem


def _post(query: bytes) -> bytes:
    url = authority()
    if not url.startswith(("http://", "https://")):
        raise Refused(_("时间戳服务机构的地址应以 http:// 或 https:// 开头"))
    asked = urllib.request.Request(url, query, {"Content-Type": "application/timestamp-query"})  # noqa: S310 - see above
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(MOST))
    except OSError as problem:
        raise Refused(_("时间戳服务机构没有回答：%(problem)s") % {"problem": problem}) from problem
