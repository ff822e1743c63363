"""`zhunsheng log`: keep a copy of a public log, check a copy, an export or a proof, and witness a log."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError, ZhunshengError
from zhunsheng.engine.words import Reason, say
from zhunsheng.keys import load_key, make_key

#: a bundle of 256 entries of 64 KiB, and a little
MAX_FILE = 17 * 1024 * 1024
SECONDS = 30


class FetchError(ZhunshengError):
    """A file of a log that could not be fetched: that says nothing about the log."""


def add(subparsers: Subparsers) -> None:
    """Add `log verify`, `log mirror`, `log witness`, `log key`."""
    parser = subparsers.add_parser("log", help="公开存证日志 · the public log")
    actions = parser.add_subparsers(metavar="<操作 · action>", required=True)

    verify = actions.add_parser(
        "verify", help="检查导出、副本文件夹或证明文件 · check an export, a copy (folder) or a proof file"
    )
    verify.add_argument(
        "file", type=Path, help="导出、副本文件夹或 .tlog-proof · an export, the folder of a copy, or a .tlog-proof"
    )
    verify.add_argument(
        "--since",
        type=Path,
        metavar="OLDFILE",
        help="更早的导出：检查日志只增未改 · an older export: check that the log only grew",
    )
    verify.add_argument(
        "--entry", type=Path, help="条目文件，代替证明中所附的 · the entry, instead of the one in the proof"
    )
    _add_key(verify)
    _add_tolerance(verify)
    _finish(verify, _verify)

    mirror = actions.add_parser("mirror", help="保存并核对一份副本 · keep a copy, and check what is added")
    mirror.add_argument("url", help="日志地址，如 https://…/log/ 或 file:///… · the log's address")
    mirror.add_argument("folder", type=Path, help="副本文件夹 · the folder of the copy")
    _add_key(mirror)
    _add_tolerance(mirror)
    _finish(mirror, _mirror)

    witness = actions.add_parser("witness", help="见证：核对只增未改后联署 · cosign after checking that it only grew")
    witness.add_argument("url", help="日志地址 · the log's address")
    witness.add_argument("--state", type=Path, required=True, help="见证人自己的记录文件 · the witness's own record")
    witness.add_argument("--signer", type=Path, required=True, help="见证人的密钥文件 · the witness's key file")
    witness.add_argument("--out", type=Path, help="把联署写入文件 · write the cosigned checkpoint to a file")
    witness.add_argument("--send", action="store_true", help="把联署送回日志 · send the cosignature to the log")
    _add_key(witness)
    _finish(witness, _witness)

    key = actions.add_parser("key", help="生成密钥文件，或显示其公钥 · make a key file, or show its public keys")
    key.add_argument("file", type=Path, help="密钥文件 · the key file")
    key.add_argument("--name", help="新密钥的名称，如 notary.example/w1 · the name of a new key")
    _finish(key, _key)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        type=_vkey,
        metavar="VKEY",
        help="日志（或见证人）的公钥，可重复 · a public key of the log (or a witness); may be repeated",
    )


def _add_tolerance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tolerance",
        type=int,
        default=engine.TOLERANCE,
        metavar="SECONDS",
        help="早于已见时间多少秒仍不算倒签（600）· seconds before what was seen that are not yet back-dating",
    )


def _finish(parser: argparse.ArgumentParser, run: object) -> None:
    add_json(parser)
    add_lang(parser)
    parser.set_defaults(run=run)


def _vkey(text: str) -> engine.NoteKey:
    try:
        return engine.read_vkey(text)
    except ZhunshengError as error:
        raise argparse.ArgumentTypeError(f"{error.text('zh')} · {error.text('en')}") from None


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _verify(options: argparse.Namespace) -> int:
    path: Path = options.file
    if path.is_dir():
        return _verify_copy(options)
    try:
        with path.open("rb") as file:
            start = file.read(20)
    except OSError as error:
        raise LogError("public_log.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    return _verify_proof(options) if start == b"c2sp.org/tlog-proof@" else _verify_export(options)


def _verify_export(options: argparse.Namespace) -> int:
    with ExitStack() as files:
        opened = []
        for path in [options.file] + ([options.since] if options.since else []):
            try:
                opened.append(_lines(files.enter_context(path.open("rb"))))
            except OSError as error:
                raise LogError("public_log.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
        verdict = engine.check_export(*opened)
    if options.json:
        emit_json(
            {
                "ok": verdict.ok,
                "log": verdict.origin,
                "size": verdict.size,
                "root": verdict.root.hex(),
                "line": verdict.line,
                "code": verdict.reason.code,
                "text": verdict.reason.text(options.lang),
            }
        )
    else:
        emit(say("public_log.cli.file", options.lang, origin=verdict.origin))
        text = verdict.reason.text(options.lang)
        if verdict.ok:
            emit(say("public_log.cli.pass", options.lang, text=text))
        else:
            emit(say("public_log.cli.fail_line", options.lang, text=text, line=verdict.line or 0))
    return YES if verdict.ok else NO


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, cut where one is longer than any entry may be: a hostile file must not fill the memory."""
    return iter(lambda: file.readline(engine.MAX_ENTRY + 2), b"")


def _verify_proof(options: argparse.Namespace) -> int:
    key = _log_key(options.key)
    entry = _read(options.entry) if options.entry else None
    try:
        found = engine.check_proof(_read(options.file), key.name, options.key, entry)
    except LogError as error:
        return _answer(options, ok=False, log=key.name, reason=error.reason)
    names = " ".join(dict.fromkeys(one.key.name for one in found.signed.signed))
    size, root = found.signed.checkpoint.size, found.signed.checkpoint.root
    reason = Reason("public_log.proof.good", {"origin": key.name, "index": found.index, "size": size, "names": names})
    return _answer(options, ok=True, log=key.name, reason=reason, size=size, root=root, entry=found.entry)


def _verify_copy(options: argparse.Namespace) -> int:
    copy = _Copy(options.file)
    known = copy.known()
    if known is None:
        key = _log_key(options.key)
        checkpoint = copy.read("checkpoint") or b""
        known = engine.start(key.name, key)
        folder = engine.follow(known, copy, _Empty(), lambda _tile, _data: None, tolerance=options.tolerance)
        if not folder.ok:
            return _answer(options, ok=False, log=key.name, reason=folder.reason)
        known = folder.known
    else:
        checkpoint = copy.read(f"checkpoints/{known.size}") or b""
        pinned = [one for one in options.key if not one.is_witness]
        if pinned and pinned[0] not in [one for _since, one in known.keys]:
            reason = Reason("public_log.note.unknown_key", {"names": known.key.name})
            return _answer(options, ok=False, log=known.origin, reason=reason)
    if known.size == 0 and not checkpoint:
        raise LogError("public_log.follow.no_checkpoint", where=str(options.file))
    found = engine.check_copy(known, copy, checkpoint or None, tolerance=options.tolerance)
    return _answer(
        options, ok=found.ok, log=known.origin, reason=found.reason, size=known.size, root=known.frontier.root()
    )


# ── mirror ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Empty:
    def read(self, path: str, /) -> bytes | None:
        return None


class Remote:
    """The files of a log behind an address: http, https, or file."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/"
        self.folder = Path(urllib.request.url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
        if self.folder is None and urlsplit(url).scheme not in {"http", "https"}:
            raise FetchError("public_log.cli.bad_url", where=url)

    def read(self, path: str, /) -> bytes | None:
        """The file, or None where there is none. Raises FetchError where nobody can tell."""
        if self.folder is not None:
            return _Copy(self.folder).read(path)
        return self._ask(urllib.request.Request(self.url + path, headers={"User-Agent": "zhunsheng-log"}))  # noqa: S310 — http or https, see above

    def send(self, path: str, data: bytes) -> bytes:
        """Posts to the log. Raises FetchError where it is not taken."""
        if self.folder is not None:
            raise FetchError("public_log.cli.bad_url", where=self.url)
        headers = {"User-Agent": "zhunsheng-log", "Content-Type": "text/plain; charset=utf-8"}
        answer = self._ask(urllib.request.Request(self.url + path, data, headers, method="POST"))  # noqa: S310
        if answer is None:
            raise FetchError("public_log.cli.cannot_fetch", where=self.url + path, detail="404")
        return answer

    def _ask(self, request: urllib.request.Request) -> bytes | None:
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                data = bytes(answer.read(MAX_FILE + 1))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            detail = f"{error.code} {error.read(300).decode('utf-8', 'replace').strip()}"
            raise FetchError("public_log.cli.cannot_fetch", where=request.full_url, detail=detail) from None
        except OSError as error:
            raise FetchError("public_log.cli.cannot_fetch", where=request.full_url, detail=str(error)) from None
        if len(data) > MAX_FILE:
            raise FetchError("public_log.cli.cannot_fetch", where=request.full_url, detail="> 17 MiB")
        return data


class _Copy:
    """A folder with a copy: the log's files, state.json, checkpoints/<size>, alarms/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: str, /) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise FetchError(
                "public_log.cli.cannot_fetch", where=str(self.folder / path), detail=error.strerror or ""
            ) from None

    def state(self) -> dict[str, engine.Json] | None:
        data = self.read("state.json")
        if data is None:
            return None
        try:
            value = engine.parse_json(data)
        except LogError:
            value = None
        if not isinstance(value, dict):
            raise LogError("public_log.follow.bad_state", where=str(self.folder / "state.json"))
        return value

    def known(self) -> engine.Known | None:
        state = self.state()
        return None if state is None else engine.read_known(state)

    def write(self, path: str, data: bytes) -> None:
        """Writes a file whole or not at all."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.new{os.getpid()}")
        with fresh.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(target)


def _mirror(options: argparse.Namespace) -> int:
    copy, log = _Copy(options.folder), Remote(options.url)
    state = copy.state()
    known = None if state is None else engine.read_known(state)
    if known is None:
        key = _log_key(options.key)
        known = engine.start(key.name, key)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    incoming = options.folder / f"incoming-{os.getpid()}"
    kept: list[engine.Tile] = []

    def keep(tile: engine.Tile, data: bytes) -> None:
        path = incoming / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        kept.append(tile)

    try:
        found = engine.follow(
            known,
            log,
            copy,
            keep,
            seen_before=lambda size: (options.folder / "checkpoints" / str(size)).is_file(),
            last_time="" if state is None else str(state.get("synced_at", "")),
            tolerance=options.tolerance,
        )
        if found.ok:
            # In this order a stop in between loses nothing: the old state still finds all its files.
            for tile in kept:
                copy.write(tile.path, (incoming / tile.path).read_bytes())
            copy.write(f"checkpoints/{found.known.size}", found.checkpoint)
            copy.write("checkpoint", found.checkpoint)
            remembered = json.dumps({**found.known.json(), "synced_at": now, "url": options.url}, indent=1)
            copy.write("state.json", remembered.encode())
            _drop_partial(options.folder, kept)
        elif found.checkpoint:
            copy.write(f"alarms/{now.replace(':', '')}-{found.reason.code.rpartition('.')[2]}.txt", found.checkpoint)
    except OSError as error:
        raise LogError("public_log.key.cannot_write", where=str(options.folder), detail=error.strerror or "") from None
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    size, root = found.known.size, found.known.frontier.root()
    return _answer(options, ok=found.ok, log=known.origin, reason=found.reason, size=size, root=root, added=found.added)


def _drop_partial(folder: Path, kept: Sequence[engine.Tile]) -> None:
    """Removes partial tiles that a wider one has replaced."""
    for tile in kept:
        whole = folder / engine.Tile(tile.level, tile.number).path
        for old in whole.with_name(f"{whole.name}.p").glob("*"):
            if old.name != str(tile.width):
                old.unlink()


# ── witness ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _witness(options: argparse.Namespace) -> int:
    key = _log_key(options.key)
    signer = load_key(options.signer)
    log, copy = Remote(options.url), _Copy(options.state.parent)
    head = engine.new_head(key.name)
    if options.state.exists():
        head = _read_head(options.state, key.name)
    found = engine.witness(head, key.name, options.key, log, signer, int(time.time()))
    if found.ok and found.line is not None:
        # Kept before it is handed out: a witness never forgets what it has signed.
        record = {"origin": key.name, "size": found.head.size, "root": found.head.root.hex()}
        copy.write(options.state.name, json.dumps(record).encode())
        text = engine.parse_note(found.checkpoint).text
        note = str(engine.Note(text, (found.line,)))
        if options.out:
            _Copy(options.out.parent).write(options.out.name, note.encode())
        if options.send:
            log.send("cosign", note.encode())
        if not options.json:
            emit(str(found.line).rstrip("\n"))
    line = str(found.line) if found.line else ""
    head = found.head
    return _answer(options, ok=found.ok, log=key.name, reason=found.reason, size=head.size, root=head.root, line=line)


def _read_head(path: Path, origin: str) -> engine.Head:
    try:
        state = json.loads(path.read_bytes())
        if state["origin"] != origin or int(state["size"]) < 0 or len(bytes.fromhex(state["root"])) != 32:
            raise ValueError
        return engine.Head(int(state["size"]), bytes.fromhex(state["root"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise LogError("public_log.follow.bad_state", where=str(path)) from None


def _key(options: argparse.Namespace) -> int:
    signer = make_key(options.file, options.name) if options.name else load_key(options.file)
    log, witness = str(engine.note_key(signer)), str(engine.note_key(signer, witness=True))
    if options.json:
        emit_json({"name": signer.name, "log": log, "witness": witness})
    else:
        emit(say("public_log.cli.keys", options.lang, log=log, witness=witness))
    return YES


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _log_key(keys: Sequence[engine.NoteKey]) -> engine.NoteKey:
    """The first key that is a log's own: its name is the name of the log."""
    found = next((key for key in keys if not key.is_witness), None)
    if found is None:
        raise LogError("public_log.cli.key_needed")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE)
    except OSError as error:
        raise LogError("public_log.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    return data


def _answer(
    options: argparse.Namespace,
    *,
    ok: bool,
    log: str,
    reason: Reason,
    size: int | None = None,
    root: bytes | None = None,
    added: int | None = None,
    entry: bytes | None = None,
    line: str | None = None,
) -> int:
    text = reason.text(options.lang)
    if options.json:
        more = {
            "size": size,
            "root": None if root is None else root.hex(),
            "added": added,
            "entry": None if entry is None else entry.decode(errors="replace"),
            "line": line,
        }
        emit_json(
            {"ok": ok, "log": log, "code": reason.code, "text": text}
            | {name: value for name, value in more.items() if value is not None}
        )
    else:
        emit(say("public_log.cli.file", options.lang, origin=log))
        emit(say("public_log.cli.pass" if ok else "public_log.cli.fail", options.lang, text=text))
        if entry is not None:
            emit(entry.decode(errors="replace"))
    return YES if ok else NO
