"""The only writer of accounts, posts, offices and duties.

Who manages accounts takes no part in the work: nobody gives a role to himself, and a role that keeps accounts or looks on
never meets a role that does the work in one person （三员分立）.
"""

import datetime
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from zhunsheng.engine import responsibility as engine
from zhunsheng.engine import tables
from zhunsheng.web.common import trail
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people import policy, queries
from zhunsheng.web.people.models import Link, Office, Post, ProductClass, Responsibility, Role, User

LONGEST_DELEGATION = 366  # days; a longer absence is a new appointment


def _manager(by: User) -> None:
    if not policy.may_manage_people(by):
        raise NotAllowed(_("账号和岗位由系统管理员办理"))


def _stranger(user: User, by: User) -> None:
    """三员分立: who manages accounts is never the one that is given something."""
    if user.pk == by.pk:
        raise NotAllowed(_("不能给自己授予或委托岗位：账号管理与业务分离，请由另一名系统管理员办理"))


def _checked(password: str, user: User, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise Refused(" ".join(problem.messages), field=field) from problem


# -- accounts ---------------------------------------------------------------------------------------------------------
def create_user(
    username: str, display_name: str, password: str, *, by: User, at: datetime.datetime, email: str = ""
) -> User:
    """Opens an account. Its first password holds for one login: the user has to choose another one."""
    _manager(by)
    user = User(
        username=username.strip(), display_name=display_name.strip(), email=email.strip(), must_change_password=True
    )
    _checked(password, user, "password")
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as problem:
        raise Refused(
            _("请检查标出的字段"), fields={name: " ".join(said) for name, said in problem.message_dict.items()}
        ) from problem
    with transaction.atomic():
        user.save()
        trail.record(
            "create_user",
            "user",
            user.username,
            by=by,
            at=at,
            changes={"username": user.username, "display_name": user.display_name},
        )
    return user


def edit_user(user: User, display_name: str, email: str, *, by: User, at: datetime.datetime) -> User:
    """Changes name and mail address. The user name stays: it stands in the trail."""
    _manager(by)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        changes = {
            name: [getattr(user, name), value]
            for name, value in (("display_name", display_name.strip()), ("email", email.strip()))
            if getattr(user, name) != value
        }
        if not changes:
            return user
        for name, (_old, new) in changes.items():
            setattr(user, name, new)
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as problem:
            raise Refused(
                _("请检查标出的字段"), fields={name: " ".join(said) for name, said in problem.message_dict.items()}
            ) from problem
        user.save(update_fields=list(changes))
        trail.record("edit_user", "user", user.username, by=by, at=at, changes=changes)
    return user


def deactivate_user(user: User, *, by: User, at: datetime.datetime, reason: str) -> User:
    """Closes an account: no login, no post in force, everything it did stays. Never one's own, so that one manager is left."""
    _manager(by)
    if user.pk == by.pk:
        raise Refused(_("不能停用自己的账号"))
    if not reason.strip():
        raise Refused(_("请写明停用理由"), field="reason")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        if not user.is_active:
            return user
        user.is_active = False
        user.save(update_fields=["is_active"])
        trail.record(
            "deactivate_user", "user", user.username, by=by, at=at, reason=reason, changes={"is_active": [True, False]}
        )
    return user


def reactivate_user(user: User, *, by: User, at: datetime.datetime) -> User:
    _manager(by)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        if user.is_active:
            return user
        user.is_active = True
        user.save(update_fields=["is_active"])
        trail.record("reactivate_user", "user", user.username, by=by, at=at, changes={"is_active": [False, True]})
    return user


def reset_password(user: User, password: str, *, by: User, at: datetime.datetime) -> User:
    """Gives a new first password, which the user has to change at the next login. The trail says who did it."""
    _manager(by)
    if user.pk == by.pk:
        raise Refused(_("自己的密码请在“修改密码”页修改"))
    if user.is_superuser and not by.is_superuser:
        raise NotAllowed(_("超级管理员的密码只能由超级管理员重设"))
    _checked(password, user, "password")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.set_password(password)
        user.must_change_password = True
        user.save(update_fields=["password", "must_change_password"])
        trail.record("reset_password", "user", user.username, by=by, at=at)
    return user


def change_password(user: User, password: str, *, at: datetime.datetime) -> User:
    """The user's own new password; it must be another one than before. Sessions elsewhere end."""
    _checked(password, user, "new_password2")
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.check_password(password):
            raise Refused(_("新密码不能与旧密码相同"), field="new_password2")
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        trail.record("change_password", "user", user.username, by=user, at=at)
    return user


# -- posts ------------------------------------------------------------------------------------------------------------
def add_post(
    user: User,
    office: Office,
    role: str,
    *,
    by: User,
    at: datetime.datetime,
    valid_from: datetime.date,
    valid_to: "datetime.date | None" = None,
) -> Post:
    """Gives `user` a role in an office for a time. The same post again is the same post."""
    _manager(by)
    _stranger(user, by)
    return _grant(user, office, role, by=by, at=at, valid_from=valid_from, valid_to=valid_to, delegated_by=None)


def delegate_post(
    post: Post, to: User, *, by: User, at: datetime.datetime, valid_from: datetime.date, valid_to: datetime.date
) -> Post:
    """委托: lets another person act in a post until a day, at most a year. A delegated post is not delegated again.

    The manager of accounts delegates any post; whoever will be absent delegates an own one, to a colleague of the office.
    """
    if by.pk == post.user_id:
        if not policy.may_delegate(by, post):
            raise NotAllowed(_("只有在任的业务岗位可以由本人委托"))
        if to.pk != by.pk and not queries.colleagues(post, valid_from).filter(pk=to.pk).exists():
            raise Refused(_("请选择本机构的工作人员"), field="to")
    else:
        _manager(by)
        _stranger(to, by)
    if post.delegated_by_id is not None:
        raise Refused(_("受托的岗位不能再委托"))
    if post.role == Role.SYSADMIN:
        raise Refused(_("系统管理员岗位不能委托；请授予另一人该岗位"))
    if to.pk == post.user_id:
        raise Refused(_("委托人和受托人是同一人"), field="to")
    if (post.valid_from and valid_from < post.valid_from) or (post.valid_to and valid_to > post.valid_to):
        raise Refused(_("委托期须在原岗位的任期之内"), field="valid_to")
    if (valid_to - valid_from).days >= LONGEST_DELEGATION:
        raise Refused(_("委托期最长 %(n)s 天；更长的请另行任命") % {"n": LONGEST_DELEGATION}, field="valid_to")
    return _grant(
        to, post.office, post.role, by=by, at=at, valid_from=valid_from, valid_to=valid_to, delegated_by=post.user
    )


def _grant(
    user: User,
    office: Office,
    role: str,
    *,
    by: User,
    at: datetime.datetime,
    valid_from: datetime.date,
    valid_to: "datetime.date | None",
    delegated_by: "User | None",
) -> Post:
    if role not in Role.values:
        raise Refused(_("没有这种角色"), field="role")
    if role == Role.ENTERPRISE or user.is_firm:
        raise Refused(_("企业账号没有岗位：企业账号在名录库中与经营主体绑定"), field="role")
    if not user.is_active:
        raise Refused(_("账号已停用，先恢复账号"))
    _ordered(valid_from, valid_to)
    _within(office, valid_from, valid_to)
    with transaction.atomic():
        # The account's row is the queue: two grants to one person are checked one after the other.
        user = User.objects.select_for_update().get(pk=user.pk)
        meanwhile = list(user.posts.filter(_overlapping(valid_from, valid_to)))
        for other in meanwhile:
            if other.office_id == office.pk and other.role == role:
                same = (other.valid_from, other.valid_to, other.delegated_by_id) == (
                    valid_from, valid_to, delegated_by.pk if delegated_by else None,
                )  # fmt: skip
                if same:
                    return other
                raise Refused(_("该用户在这段时间里已有这个岗位"), field="valid_from")
        clash = policy.clashing(role, {other.role for other in meanwhile}, valid_from)
        if clash:
            raise Refused(
                _("“%(role)s”不能与“%(others)s”由同一人兼任（职责分离）")
                % {"role": Role(role).label, "others": _("、").join(str(Role(one).label) for one in clash)},
                field="role",
            )
        post = Post.objects.create(
            user=user, office=office, role=role, valid_from=valid_from, valid_to=valid_to, delegated_by=delegated_by
        )
        changes: dict[str, Any] = {
            "user": user.username,
            "office": office.code,
            "role": role,
            "valid_from": valid_from.isoformat(),
            "valid_to": valid_to.isoformat() if valid_to else None,
        }
        if delegated_by:
            changes["delegated_by"] = delegated_by.username
        trail.record(
            "delegate_post" if delegated_by else "add_post", "user", user.username, by=by, at=at, changes=changes
        )
    return post


def end_post(post: Post, *, on: datetime.date, by: User, at: datetime.datetime, reason: str) -> Post:
    """Ends a post after `on`, its last day, and with it what its holder delegated from it. Who delegated a post takes it
    back."""
    if post.delegated_by_id != by.pk:
        _manager(by)
    if post.user_id == by.pk:
        raise NotAllowed(_("自己的岗位请由另一名系统管理员结束"))
    if not reason.strip():
        raise Refused(_("请写明理由"), field="reason")
    with transaction.atomic():
        post = Post.objects.select_for_update().select_related("user", "office").get(pk=post.pk)
        if post.valid_to is not None and post.valid_to <= on:
            if post.valid_to == on:
                return post
            raise Refused(_("岗位已于 %(day)s 结束") % {"day": post.valid_to.isoformat()}, field="on")
        if post.valid_from is not None and on < post.valid_from:
            raise Refused(_("结束日期早于任职开始"), field="on")
        derived = (
            Post.objects.select_related("user", "office")
            .filter(delegated_by=post.user, office=post.office, role=post.role)
            .filter(Q(valid_to=None) | Q(valid_to__gt=on))
        )
        for one in [post, *([] if post.delegated_by_id else derived)]:
            before = one.valid_to
            one.valid_to = max(on, one.valid_from) if one.valid_from else on
            one.save(update_fields=["valid_to"])
            trail.record(
                "end_post", "user", one.user.username, by=by, at=at, reason=reason,
                changes={
                    "office": one.office.code,
                    "role": one.role,
                    "valid_to": [before.isoformat() if before else None, one.valid_to.isoformat()],
                },
            )  # fmt: skip
    return post


def _ordered(start: datetime.date, end: "datetime.date | None") -> None:
    if end is not None and end < start:
        raise Refused(_("结束日期早于开始日期"), field="valid_to")


def _within(office: Office, start: datetime.date, end: "datetime.date | None") -> None:
    """An office that does not exist yet, or no longer, gives no posts and bears no duties."""
    if office.valid_from is not None and start < office.valid_from:
        raise Refused(
            _("%(office)s 自 %(day)s 起设立，开始日期不能更早")
            % {"office": named(office), "day": office.valid_from.isoformat()},
            field="valid_from",
        )
    if office.valid_to is not None and (end is None or end > office.valid_to):
        raise Refused(
            _("%(office)s 到 %(day)s 为止，结束日期不能更晚；此后请选承继机构")
            % {"office": named(office), "day": office.valid_to.isoformat()},
            field="valid_to",
        )


def _overlapping(start: "datetime.date | None", end: "datetime.date | None") -> Q:
    """Rows in force on some day from `start` to `end` (both inclusive, None = open)."""
    found = Q()
    if start is not None:
        found &= Q(valid_to__isnull=True) | Q(valid_to__gte=start)
    if end is not None:
        found &= Q(valid_from__isnull=True) | Q(valid_from__lte=end)
    return found


# -- duties -----------------------------------------------------------------------------------------------------------
def add_duty(
    office: Office,
    product_class: ProductClass,
    link: str,
    *,
    by: User,
    at: datetime.datetime,
    valid_from: datetime.date,
    valid_to: "datetime.date | None" = None,
    lead: bool = True,
    scope: str = "",
    source: str,
    confidence: str = "sure",
    note: str = "",
) -> Responsibility:
    """Enters a duty. Gaps and overlaps that follow from it are shown, not refused: the matrix says what is, a leader decides."""
    if not policy.may_edit_responsibility(by):
        raise NotAllowed(_("监管责任由质强办登记"))
    if link not in Link.values:
        raise Refused(_("没有这个环节"), field="link")
    if link not in product_class.links.split(";"):
        raise Refused(
            _("“%(product)s”没有“%(link)s”环节") % {"product": named(product_class), "link": Link(link).label},
            field="link",
        )
    if not source.strip():
        raise Refused(_("请写明依据（文件名和文号）"), field="source")
    _ordered(valid_from, valid_to)
    _within(office, valid_from, valid_to)
    with transaction.atomic():
        Office.objects.select_for_update().get(pk=office.pk)
        same = Responsibility.objects.filter(office=office, product_class=product_class, link=link, scope=scope)
        for other in same.filter(_overlapping(valid_from, valid_to)):
            if (other.valid_from, other.valid_to, other.lead) == (valid_from, valid_to, lead):
                return other
            raise Refused(_("该机构在这段时间里已有这项责任；先结束原来的一条"), field="valid_from")
        row = Responsibility.objects.create(
            office=office, product_class=product_class, link=link, lead=lead, scope=scope, source=source.strip(),
            confidence=confidence, valid_from=valid_from, valid_to=valid_to, note=note.strip(),
        )  # fmt: skip
        trail.record(
            "add_duty", "responsibility", row.pk, by=by, at=at, rule=source.strip()[:120],
            changes={
                "office": office.code, "product_class": product_class.code, "link": link, "lead": lead, "scope": scope,
                "valid_from": valid_from.isoformat(), "valid_to": valid_to.isoformat() if valid_to else None,
            },
        )  # fmt: skip
    return row


def end_duty(row: Responsibility, *, on: datetime.date, by: User, at: datetime.datetime, reason: str) -> Responsibility:
    """Ends a duty after `on`, its last day. An ended duty is not opened again: enter a new one."""
    if not policy.may_edit_responsibility(by):
        raise NotAllowed(_("监管责任由质强办登记"))
    if not reason.strip():
        raise Refused(_("请写明理由和依据"), field="reason")
    with transaction.atomic():
        row = Responsibility.objects.select_for_update().get(pk=row.pk)
        if row.valid_to == on:
            return row
        if row.valid_to is not None and row.valid_to < on:
            raise Refused(
                _("这项责任已于 %(day)s 结束；要恢复请新登记一条") % {"day": row.valid_to.isoformat()}, field="on"
            )
        if row.valid_from is not None and on < row.valid_from:
            raise Refused(_("结束日期早于开始日期"), field="on")
        before = row.valid_to
        row.valid_to = on
        row.save(update_fields=["valid_to"])
        trail.record(
            "end_duty", "responsibility", row.pk, by=by, at=at, reason=reason,
            changes={"valid_to": [before.isoformat() if before else None, on.isoformat()]},
        )  # fmt: skip
    return row


# -- a city's tables --------------------------------------------------------------------------------------------------
def load_city(city: str, *, by: "User | None", at: datetime.datetime) -> dict[str, int]:
    """Loads offices, product classes and duties from the tables of a city. Returns how many rows of each are new.

    Again is harmless. Offices and product classes follow the tables. A duty that is there is left alone: it may have been
    ended here since. Loads nothing and raises TableError when a table is missing or damaged, Refused when
    it names an office or a class that is not there.
    """
    offices = tables.load(f"cities/{city}/offices").rows
    classes = tables.load("registry/product_classes").rows
    duties = engine.duties(city)
    count = {"offices": 0, "product_classes": 0, "responsibilities": 0}
    with transaction.atomic():
        for row in offices:
            count["offices"] += _follow(
                Office, row,
                {
                    "name": row["name"], "name_en": row.get("name_en", ""), "short_name": row.get("short", ""),
                    "level": row["level"], "division_code": row.get("division", ""),
                },
            )  # fmt: skip
        known = {office.code: office for office in Office.objects.all()}
        for row in offices:
            office, ties = known[row["code"]], {}
            for name in ("parent", "successor"):
                code = row.get(name, "")
                if code and code not in known:
                    raise Refused(
                        _("%(table)s 第 %(line)s 行：没有代码为 %(code)s 的机构")
                        % {"table": row.table, "line": row.line, "code": code}
                    )
                ties[f"{name}_id"] = known[code].pk if code else None
            if any(getattr(office, name) != value for name, value in ties.items()):
                Office.objects.filter(pk=office.pk).update(**ties)
        for row in classes:
            count["product_classes"] += _follow(
                ProductClass,
                row,
                {"name": row["name"], "name_en": row.get("name_en", ""), "links": ";".join(row.list("links"))},
            )
        products = {one.code: one for one in ProductClass.objects.all()}
        there = set(
            Responsibility.objects.values_list("office__code", "product_class__code", "link", "scope", "valid_from")
        )
        fresh = []
        for one in duties:
            for code, among in ((one.office_code, known), (one.product_class, products)):
                if code not in among:
                    raise Refused(
                        _("%(table)s:没有代码为 %(code)s 的机构或产品类别")
                        % {"table": f"cities/{city}/responsibility", "code": code}
                    )
            if (one.office_code, one.product_class, str(one.link), one.scope, one.valid_from) not in there:
                fresh.append(Responsibility(
                    office=known[one.office_code], product_class=products[one.product_class], link=str(one.link), lead=one.lead,
                    scope=one.scope, source=one.source[:300], confidence=one.confidence, valid_from=one.valid_from,
                    valid_to=one.valid_to, note=one.note[:200],
                ))  # fmt: skip
        Responsibility.objects.bulk_create(fresh, batch_size=500)
        count["responsibilities"] = len(fresh)
        if any(count.values()):
            trail.record("load_city", "city", city, by=by, at=at, changes=count)
    return count


def _follow(model: Any, row: tables.Row, values: dict[str, Any]) -> int:
    """Makes the row of `model` with this code say what the table says; 1 if it was not there."""
    values |= {
        "source": row.source[:300], "confidence": row.confidence, "valid_from": row.valid_from, "valid_to": row.valid_to,
    }  # fmt: skip
    found, created = model.objects.get_or_create(code=row["code"], defaults=values)
    if not created and any(getattr(found, name) != value for name, value in values.items()):
        model.objects.filter(pk=found.pk).update(**values)
    return int(created)
