"""A directory's users and groups as rows of ours: found when somebody asks, kept so that roles can be given to them.

Rows carry Keystone's public ids. A local user or group of the same domain and name stays what it is: the entry is left
out, so that no directory can take over an account.
"""

import logging
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from common.live import announce
from identity.ldap import directory, options
from identity.ldap.directory import equals, plain_dn
from identity.ldap.entries import Directory, DirectoryDown, Entry
from identity.ldap.ids import public_id
from identity.ldap.options import Config
from identity.models import DirectoryId, Group, User
from identity.revocation import services as revocation
from operations import background

log = logging.getLogger(__name__)
KIND = "identity.directory"
MODELS: dict[str, Any] = {"user": User, "group": Group}


def hidden(entity: str) -> object:
    """Ids of rows whose entry the directory no longer has."""
    return DirectoryId.objects.filter(entity_type=entity, gone=True).values("public_id")


def known(id: str) -> DirectoryId | None:
    """Return the directory's part of a row of ours; None for a local one, and where the domain uses no directory any more."""
    row = DirectoryId.objects.filter(pk=id).first()
    return row if row is not None and options.uses_ldap(row.domain_id) else None


# ── From entries to rows ────────────────────────────────────────────────────────────────────────────────────────────


def _attributes(config: Config, entity: str) -> tuple[str, ...]:
    names = {
        "user": ("name", "description", "mail", "enabled", "default_project_id"),
        "group": ("name", "desc", "member"),
    }[entity]
    more = [pair.partition(":")[0] for pair in config[f"{entity}_additional_attribute_mapping"] or []]
    return tuple(found for found in [*(config.attribute(entity, name) for name in names), *more] if found)


def _extra(config: Config, entity: str, entry: Entry) -> dict[str, str]:
    """Attributes of the operator's own, "<ldap attribute>:<our attribute>"."""
    pairs = [pair.partition(":") for pair in config[f"{entity}_additional_attribute_mapping"] or []]
    own = {wire: entry.first(theirs) for theirs, _colon, wire in pairs if wire}
    return {wire: value for wire, value in own.items() if value is not None}


def _columns(asked: Directory, entity: str, entry: Entry) -> dict[str, object] | None:
    """Our columns of an entry; None for one that has no usable name."""
    config = asked.config
    name = (entry.first(config.attribute(entity, "name")) or "").strip()
    if not name or len(name) > (255 if entity == "user" else 64) or len(entry.local_id) > 255:
        log.warning("domain %s: the entry %s has no name that can be used and is left out", config.domain_id, entry.dn)
        return None
    about = "description" if entity == "user" else "desc"
    columns: dict[str, object] = {"name": name, "description": entry.first(config.attribute(entity, about)) or ""}
    columns["extra"] = _extra(config, entity, entry)
    if entity == "user":
        columns["email"] = (entry.first(config.attribute("user", "mail")) or "")[:255]
        columns["enabled"] = _enabled(asked, entry)
        columns["default_project_id"] = entry.first(config.attribute("user", "default_project_id"))
    return columns


def _enabled(asked: Directory, entry: Entry) -> bool:
    """Keystone's three ways: membership of a group, bits of a number, or a word that may be inverted."""
    config = asked.config
    if config["user_enabled_emulation"]:
        dn = config["user_enabled_emulation_dn"] or f"cn=enabled_users,{config.tree('user')}"
        return asked.has(dn, equals("member", entry.dn))
    said = entry.first(config.attribute("user", "enabled")) or str(config["user_enabled_default"])
    mask = int(config["user_enabled_mask"] or 0)
    if mask:
        return (int(said) if said.lstrip("-").isdigit() else 0) & mask != mask
    return (said.strip().lower() == "true") != bool(config["user_enabled_invert"])


def keep(asked: Directory, entity: str, entries: Iterable[Entry]) -> dict[str, str]:
    """Rows for these entries, made or renewed. Returns plain DN → our id."""
    found = list(entries)
    try:
        return _keep(asked, entity, found)
    except IntegrityError:  # another request saw the same entries for the first time
        return _keep(asked, entity, found)


@transaction.atomic
def _keep(asked: Directory, entity: str, entries: Iterable[Entry]) -> dict[str, str]:
    domain_id, ids = asked.config.domain_id, {}
    for entry in entries:
        columns = _columns(asked, entity, entry)
        if columns is None:
            continue
        id = public_id(domain_id, entity, entry.local_id)
        if _kept(entity, id, domain_id, entry, columns):
            ids[plain_dn(entry.dn)] = id
    return ids


def _kept(entity: str, id: str, domain_id: str, entry: Entry, columns: dict[str, Any]) -> bool:
    model = MODELS[entity]
    mapped = DirectoryId.objects.filter(pk=id).first()
    row = model.objects.filter(pk=id).first()
    if row is not None and mapped is None:
        log.warning("domain %s: %s has the id of an account from elsewhere and is left out", domain_id, entry.dn)
        return False
    if not _make_room(model, domain_id, columns["name"], id):
        log.warning("domain %s: %s has the name of a local %s and is left out", domain_id, entry.dn, entity)
        return False
    if mapped is None:
        DirectoryId.objects.create(public_id=id, domain_id=domain_id, local_id=entry.local_id, entity_type=entity)
    elif mapped.gone:
        DirectoryId.objects.filter(pk=id).update(gone=False)
        revocation.touch()
    _write(entity, row or model(pk=id, domain_id=domain_id), columns, made=row is None)
    return True


def _make_room(model: Any, domain_id: str, name: str, id: str) -> bool:
    """Whether the name is free: another entry's row that had it gives way, a local one does not."""
    other = model.objects.filter(domain_id=domain_id, name=name).exclude(pk=id).first()
    if other is None:
        return True
    if not DirectoryId.objects.filter(pk=other.pk).exists():
        return False
    other.name = f"{name[:40]} ({other.pk[:16]})"
    other.save(update_fields=["name"])
    return True


def _write(entity: str, row: Any, columns: dict[str, Any], *, made: bool) -> None:
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    was_enabled = getattr(row, "enabled", True)
    for name in changed:
        setattr(row, name, columns[name])
    if made:
        row.save(force_insert=True)
    elif changed:
        row.save(update_fields=changed)
        revocation.touch()
        if was_enabled and not getattr(row, "enabled", True):
            revocation.revoke(user_id=row.pk)
    if entity == "user" and (made or changed):
        announce("user", row.pk)


def _lose(entity: str, ids: Iterable[str]) -> None:
    """The directory no longer has these: their tokens end, their rows are hidden."""
    for id in DirectoryId.objects.filter(pk__in=list(ids), gone=False).values_list("pk", flat=True):
        DirectoryId.objects.filter(pk=id).update(gone=True)
        if entity == "user":
            User.objects.filter(pk=id).update(enabled=False)
            revocation.revoke(user_id=id)
    revocation.touch()


# ── Asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def refresh_all(domain_id: str, entity: str) -> dict[str, str]:
    """Refresh every user or group of a domain. Returns plain DN → our id. Raises: BadOption, DirectoryDown."""
    with directory.connected(options.of_domain(domain_id)) as asked:
        entries = asked.search(entity, attributes=_attributes(asked.config, entity))
        ids = keep(asked, entity, entries)
    mine = DirectoryId.objects.filter(domain_id=domain_id, entity_type=entity, gone=False)
    _lose(entity, set(mine.values_list("pk", flat=True)) - set(ids.values()))
    return ids


def refresh_named(domain_id: str, entity: str, name: str) -> Entry | None:
    """Return the user or group of a name; None where the directory has none. Raises: BadOption, DirectoryDown."""
    config = options.of_domain(domain_id)
    attribute = config.attribute(entity, "name")
    return _refresh_where(config, entity, equals(attribute, name)) if attribute else None


def refresh_one(row: DirectoryId) -> Entry | None:
    """Return the entry behind a row of ours; when it is gone, the row is hidden. Raises: BadOption, DirectoryDown."""
    config = options.of_domain(row.domain_id)
    attribute = config.attribute(row.entity_type, "id") or "cn"
    found = _refresh_where(config, row.entity_type, equals(attribute, row.local_id))
    if found is None:
        _lose(row.entity_type, [row.pk])
    return found


def _refresh_where(config: Config, entity: str, condition: str) -> Entry | None:
    with directory.connected(config) as asked:
        found = asked.search(entity, condition, attributes=_attributes(config, entity))
        kept = keep(asked, entity, found[:1])
    return found[0] if kept else None


def refresh_groups(user_id: str, entry: Entry, domain_id: str) -> None:
    """Make the groups of a user those that the directory says. Raises: BadOption, DirectoryDown."""
    config = options.of_domain(domain_id)
    with directory.connected(config) as asked:
        member = config.attribute("group", "member") or "member"
        value = entry.local_id if config["group_members_are_ids"] else entry.dn
        groups = asked.search("group", equals(member, value), attributes=_attributes(config, "group"))
        ids = set(keep(asked, "group", groups).values())
    _set_groups(User.objects.get(pk=user_id), domain_id, ids)


@transaction.atomic
def _set_groups(user: User, domain_id: str, wanted: set[str]) -> None:
    """Groups of the directory only: those that are ours stay."""
    theirs = DirectoryId.objects.filter(domain_id=domain_id, entity_type="group").values("public_id")
    now = set(user.groups.filter(pk__in=theirs).values_list("pk", flat=True))
    if now != wanted:
        groups: Any = user.groups  # takes ids too
        groups.remove(*(now - wanted))
        groups.add(*(wanted - now))
        revocation.touch()


def refresh_members(row: DirectoryId, users: dict[str, str] | None = None) -> None:
    """Refresh the members of a group of the directory. `users` is what refresh_all said of the domain's users, just now.

    Raises: BadOption, DirectoryDown.
    """
    entry = refresh_one(row)
    if entry is None:
        return
    users = users if users is not None else refresh_all(row.domain_id, "user")
    config = options.of_domain(row.domain_id)
    named = entry.all(config.attribute("group", "member"))
    if config["group_members_are_ids"]:
        wanted = {public_id(row.domain_id, "user", one) for one in named} & set(users.values())
    else:
        wanted = {users[dn] for one in named if (dn := plain_dn(one)) in users}
    _set_members(row, wanted)


@transaction.atomic
def _set_members(row: DirectoryId, wanted: set[str]) -> None:
    group = Group.objects.get(pk=row.pk)
    theirs = DirectoryId.objects.filter(domain_id=row.domain_id, entity_type="user").values("public_id")
    now = set(group.users.filter(pk__in=theirs).values_list("pk", flat=True))
    if now != wanted:
        users: Any = group.users  # takes ids too
        users.remove(*(now - wanted))
        users.add(*(wanted - now))
        revocation.touch()


def look_at_all() -> None:
    """Have every directory looked at, in the background."""
    for domain_id in options.domains():
        background.enqueue(KIND, domain_id)


def look_at(domain_id: str) -> None:
    """Remove roles and memberships of users that are gone from the directory, and its gone groups. While it is down, all stays."""
    if not options.uses_ldap(domain_id):
        return
    try:
        users = refresh_all(domain_id, "user")
        refresh_all(domain_id, "group")
        for row in DirectoryId.objects.filter(domain_id=domain_id, entity_type="group", gone=False):
            refresh_members(row, users)
    except (DirectoryDown, options.BadOption) as error:
        log.warning("%s", error)
