"""The public log 公开存证日志: canonical bytes, one Merkle tree, signed checkpoints, tiles, proofs, copies.

Entries are JSON in the one form of RFC 8785. The tree is that of RFC 6962 (RFC 9162):

    leaf = H(0x00 || entry)        node = H(0x01 || left || right)

and a tree of n leaves splits at the largest power of two below n. Hashes are 32 raw bytes here and lower-case
hexadecimal (or base 64, in the C2SP formats) in files. Nothing in this package keeps state.
"""

from __future__ import annotations

from zhunsheng.engine.public_log.checkpoints import (
    KEY_KIND,
    Checkpoint,
    SignedCheckpoint,
    check_origin,
    next_key,
    open_checkpoint,
    read_checkpoint,
    rotation,
    sign_checkpoint,
    suite_of,
)
from zhunsheng.engine.public_log.export import ExportVerdict, check_export, export
from zhunsheng.engine.public_log.following import (
    TOLERANCE,
    Files,
    Followed,
    Head,
    Known,
    TileWriter,
    Witnessed,
    check_copy,
    files_of,
    follow,
    new_head,
    read_known,
    start,
    witness,
)
from zhunsheng.engine.public_log.jcs import Json, canonical, parse_canonical, parse_json
from zhunsheng.engine.public_log.notes import (
    MAX_NOTE,
    Note,
    NoteKey,
    NoteSignature,
    Signed,
    cosign_note,
    note_key,
    parse_note,
    read_signature,
    read_vkey,
    sign_note,
    verify_note,
)
from zhunsheng.engine.public_log.personal import PERSONAL_KEYS, commitment, refuse_personal
from zhunsheng.engine.public_log.proofs import LogProof, Proved, check_proof, read_proof
from zhunsheng.engine.public_log.tiles import (
    ENTRIES,
    MAX_ENTRY,
    WIDTH,
    Tile,
    TiledTree,
    bundle,
    read_bundle,
    read_hashes,
    read_tile_path,
    tile,
    tiles_of,
)
from zhunsheng.engine.public_log.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "TOLERANCE",
    "EMPTY_ROOT", "ENTRIES", "KEY_KIND", "MAX_ENTRY", "MAX_NOTE", "PERSONAL_KEYS", "WIDTH",
    "Checkpoint", "ExportVerdict", "Files", "Followed", "Frontier", "Head", "Json", "Known", "LogProof", "Note", "NoteKey", "NoteSignature", "Proved",
    "Signed", "SignedCheckpoint", "Tile", "TileWriter", "TiledTree", "Witnessed",
    "bundle", "canonical", "check_copy", "check_export", "check_origin", "check_proof", "commitment", "consistency_proof",
    "cosign_note", "export", "files_of", "follow", "inclusion_proof", "leaf_hash", "new_head", "next_key", "node_hash", "note_key", "open_checkpoint",
    "parse_canonical", "parse_json", "parse_note", "read_bundle", "read_checkpoint", "read_hashes", "read_known", "read_proof",
    "read_signature", "read_tile_path", "read_vkey", "refuse_personal", "rotation", "sign_checkpoint", "sign_note", "start",
    "suite_of", "tile", "tiles_of", "tree_root", "verify_consistency", "verify_inclusion", "verify_note", "witness",
]  # fmt: skip
