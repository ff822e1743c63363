"""The only writers of the audit trail and of the public log."""

from zhunsheng.web.public_log.actions.keys import rotate_key
from zhunsheng.web.public_log.actions.recording import Deed, follow_with, record, record_many
from zhunsheng.web.public_log.actions.sequencing import sequence, sign
from zhunsheng.web.public_log.actions.witnesses import add_cosignatures, add_witness, end_witness, timestamp

__all__ = [
    "Deed", "add_cosignatures", "add_witness", "end_witness", "follow_with", "record", "record_many", "rotate_key", "sequence", "sign",
    "timestamp",
]  # fmt: skip
