"""The commands that need the platform: init (an empty city), demo (衡川市), rehearse (a real register), serve, manage."""

import argparse
import datetime
import os
import secrets
import socket
import string
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhunsheng.web.people.models import User

#: the mapping files: inside an installed package, else beside its sources
HOWTO = (Path(__file__).resolve().parents[1] / "docs" / "howto", Path(__file__).resolve().parents[3] / "docs" / "howto")


def run(name: str, argv: list[str]) -> int:
    """Runs one command; returns the exit code. Raises SystemExit with a sentence for wrong words."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhunsheng.web.settings")
    import django

    django.setup()
    if name == "manage":
        from django.core.management import execute_from_command_line

        from zhunsheng.web.common import law

        law.begin()
        execute_from_command_line(["zhunsheng manage", *argv])
        return 0
    return {"init": init, "demo": demo, "serve": serve, "rehearse": rehearse}[name](argv)


def cities() -> list[str]:
    """The city configurations that this installation holds."""
    from zhunsheng.web.common.city import CITIES

    return sorted(folder.name for folder in CITIES.iterdir() if (folder / "city.toml").is_file())


def init(argv: list[str]) -> int:
    """Makes an empty, ready platform for a city: tables, offices, divisions, targets, one administrator."""
    parser = argparse.ArgumentParser(prog="zhunsheng init", description=init.__doc__)
    parser.add_argument("--city", required=True, help=f"one of: {', '.join(cities())}")
    parser.add_argument("--admin", default="admin", help="name of the first administrator (default: admin)")
    words = parser.parse_args(argv)
    if words.city not in cities():
        parser.error(
            f"no city {words.city!r}; known: {', '.join(cities())}. docs/howto/add-a-city.md tells how to add one"
        )
    from zhunsheng.web.common import city as current_city

    here = current_city.current().folder
    if here not in {"", words.city}:
        parser.error(f"ZHUNSHENG_HOME holds the city {here!r}; give {words.city!r} a folder of its own")
    migrate()
    from django.db import transaction
    from django.utils import timezone

    from zhunsheng.web.common import law
    from zhunsheng.web.desk.actions import reindex
    from zhunsheng.web.people.models import User

    law.follow(now=True)
    password = ""
    # One transaction: an administrator whose password was never printed must not stay behind.
    with transaction.atomic():
        administrator = User.objects.filter(is_superuser=True).first()
        if administrator is None:
            password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16))
            administrator = User.objects.create_superuser(
                words.admin, password=password, display_name="系统管理员", must_change_password=True
            )
        load_city(words.city, by=administrator, at=timezone.now())
    reindex()
    print(f"城市配置 {words.city} 已就绪 / city {words.city} is ready.")
    if password:
        print(
            f"管理员 / administrator: {administrator.username}\n初始密码 / first password: {password}  (首次登录须修改 / must be changed at first login)"
        )
    print("启动 / start: zhunsheng serve")
    return 0


def load_city(city: str, *, by: "User | None", at: datetime.datetime) -> None:
    """Loads a city's dated tables into every room. Again is harmless: what is there stays."""
    from zhunsheng.web.appraisal import actions as appraisal
    from zhunsheng.web.common import city as current_city
    from zhunsheng.web.inspection import actions as inspection
    from zhunsheng.web.people import actions as people
    from zhunsheng.web.registry import actions as registry

    people.load_city(city, by=by, at=at)
    registry.load_city(city, by=by, at=at)
    inspection.load_tables(city, by=None, at=at)  # the house is being set up: nobody holds a post in it yet
    appraisal.load_city(city, by=by, at=at)
    current_city.choose(city)
    log_key()


def log_key() -> None:
    """The key that signs the public log, unless it is there, somebody else signs, or the log was signed with a lost one."""
    from zhunsheng.web.public_log import queries, signer

    if queries.last_checkpoint() is None and signer.ensure_key(queries.origin()):
        print(f"公开存证日志的密钥 / key of the public log: {signer.key_file()}")


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def demo(argv: list[str]) -> int:
    """Builds the invented city 衡川市 once and serves it."""
    from zhunsheng.demo import people as demo_people

    parser = argparse.ArgumentParser(prog="zhunsheng demo", description=demo.__doc__)
    parser.add_argument(
        "--entities", type=int, default=20_000, help="business entities, 200 to 1000000 (default 20000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another city (default 1)")
    parser.add_argument("--fresh", action="store_true", help="throw the demo's data away and build again")
    parser.add_argument("--no-serve", action="store_true", help="build only")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    words = parser.parse_args(argv)
    if not 200 <= words.entities <= 1_000_000:
        parser.error("--entities: from 200 to 1000000")
    if not words.no_serve:
        _port_is_free(words.host, words.port)
    from zhunsheng.demo import build

    build.ensure(entities=words.entities, seed=words.seed, fresh=words.fresh)
    if words.no_serve:
        return 0
    address = f"http://{words.host}:{words.port}"
    print(
        f"\n衡川市(演示城市,全部数据为虚构)/ Hengchuan, an invented city:\n  公众门户 / portal    {address}/\n  工作台   / desk      {address}/desk/\n"
    )
    print(f"演示账号 / demo logins (密码 / password: {demo_people.PASSWORD})")
    for account in demo_people.ACCOUNTS:
        print(f"  {account.username:<10} {account.note} / {account.note_en}")
    print("\n停止 / stop: Ctrl+C\n", flush=True)
    return serve(["--host", words.host, "--port", str(words.port), "--background"])


def rehearse(argv: list[str]) -> int:
    """Runs the whole line over a real register: import, draw, visits from the next year's file, publication, verification."""
    parser = argparse.ArgumentParser(prog="zhunsheng rehearse", description=rehearse.__doc__)
    parser.add_argument("premises", type=Path, help="the register and its past results (Toronto DineSafe export, CSV)")
    parser.add_argument("results", type=Path, help="the export of the following year: what the visits found")
    parser.add_argument(
        "--mappings",
        type=Path,
        default=next((one for one in HOWTO if one.is_dir()), HOWTO[0]),
        help="folder of toronto-mapping.toml and toronto-visits-mapping.toml",
    )
    parser.add_argument("--bundle", type=Path, help="where to write the draw's bundle, for zhunsheng verify")
    words = parser.parse_args(argv)
    for path in (
        words.premises,
        words.results,
        words.mappings / "toronto-mapping.toml",
        words.mappings / "toronto-visits-mapping.toml",
    ):
        if not path.is_file():
            parser.error(f"no file {path}")
    migrate()
    from zhunsheng.demo import rehearsal
    from zhunsheng.web.common import city as current_city
    from zhunsheng.web.inspection.queries import bundle_bytes
    from zhunsheng.web.people.models import User

    if current_city.current().folder or User.objects.exists():
        parser.error("ZHUNSHENG_HOME is in use: give the rehearsal an empty one, e.g. ZHUNSHENG_HOME=var-rehearsal")
    done = rehearsal.rehearse(words.premises, words.results, mappings=words.mappings, say=rehearsal.say)
    rehearsal.say(rehearsal.report(done))
    if words.bundle:
        words.bundle.write_bytes(bundle_bytes(done.draw))
        rehearsal.say(f"公开包 / bundle: zhunsheng verify {words.bundle}")
    return 0 if done.verdict.ok else 1


def serve(argv: list[str]) -> int:
    """Serves the platform with gunicorn, after pending migrations and static files."""
    parser = argparse.ArgumentParser(prog="zhunsheng serve", description=serve.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--background", action="store_true", help="do the background work and run the jobs too, as the demo does"
    )
    words = parser.parse_args(argv)
    _port_is_free(words.host, words.port)
    from django.core.management import call_command

    migrate()
    finish_log()
    call_command("collectstatic", verbosity=0, interactive=False)
    if words.background:
        # A child of the process that the server takes over: it ends with the server.
        subprocess.Popen([sys.executable, "-m", "django", "worker", "--tick", "--with-parent"])  # noqa: S603 - our own
    command = [
        sys.executable, "-m", "gunicorn", "zhunsheng.web.wsgi", "--bind", f"{words.host}:{words.port}",
        "--workers", str(words.workers), "--threads", "4", "--access-logfile", os.devnull, "--log-level", "warning",
    ]  # fmt: skip
    os.execv(sys.executable, command)  # noqa: S606 - the server takes this process over, so that signals reach it


def finish_log() -> None:
    """Numbers and signs what an interrupted platform, or one of before the signatures, left behind."""
    from zhunsheng.engine.errors import ZhunshengError
    from zhunsheng.web.common import city as current_city
    from zhunsheng.web.public_log import actions

    if not current_city.current().folder:
        return
    log_key()
    try:
        actions.sequence()
    except ZhunshengError as problem:
        print(f"公开存证日志 / public log: {problem.text('zh')} / {problem.text('en')}", file=sys.stderr)


def _port_is_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise SystemExit(
                f"{host}:{port} cannot be used ({problem.strerror}). Is another server running? Choose one: --port 8001"
            ) from problem
