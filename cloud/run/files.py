"""Keys, passwords, clouds.yaml: what a cloud makes once and keeps in STACKLING_DATA."""

import json
import os
import secrets
import shutil
from pathlib import Path

import yaml
from cryptography.fernet import Fernet

from cloud import settings_file
from cloud.run import users
from cloud.run.settings import Cloud, Refused
from cloud.run.users import Account, Accounts
from common import doors

ACCOUNTS = ("admin", "demo")


def write(path: Path, text: str, owner: Account, mode: int = 0o600) -> None:
    """Replaces a file whole: readers see the old one or the new one."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    scratch.chmod(mode)
    owner.give(scratch)
    scratch.rename(path)


def _write_once(path: Path, text: str, owner: Account) -> None:
    if not path.exists():
        write(path, text, owner)


def folders(cloud: Cloud, accounts: Accounts) -> None:
    """The folders of the table (users.DATA), each its user's; those of hosts stay root's. What an earlier layout left is mended."""
    owner = accounts.control
    cloud.data.mkdir(parents=True, exist_ok=True)
    cloud.data.chmod(0o711)  # hosts' daemons pass to their own below; nobody else may list
    owner.give(cloud.data)
    for name, (whose, group, mode) in users.DATA.items():
        _data_folder(cloud.data / name, accounts.of(whose), accounts.of(group) if group else accounts.of(whose), mode)
    _forget_former(cloud)
    (cloud.data / "hosts").mkdir(exist_ok=True)
    (cloud.data / "hosts").chmod(0o711)
    for host in cloud.fake_host_names:  # their agent is not root
        for place in (cloud.data / "hosts" / host, cloud.run / "hosts" / host):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o711)
            owner.give(place)


def _data_folder(path: Path, owner: Account, group: Account, mode: int) -> None:
    path.mkdir(exist_ok=True, mode=0o700)
    owner.take_over(path, group.gid)
    path.chmod(mode if group.gid != owner.gid else mode & 0o700)
    for file in path.iterdir():
        if file.is_file() and not file.is_symlink() and group.gid != owner.gid:
            file.chmod(doors.file_mode(path))


def _forget_former(cloud: Cloud) -> None:
    """What clouds of before kept: signed tickets for consoles, nginx's files in the cache, denials among the logs."""
    for name in ("consoles/given", "consoles/revoked", "cache/nginx"):
        shutil.rmtree(cloud.data / name, ignore_errors=True)
    for name in ("keys/console.key", "logs/denials.jsonl", "logs/denials.old"):
        (cloud.data / name).unlink(missing_ok=True)


def keys(cloud: Cloud, owner: Account) -> None:
    """The signing key, the first token keys and a key for each host; made when absent."""
    place = cloud.data / "keys"
    _write_once(place / "secret", secrets.token_hex(32), owner)
    if not any((place / "tokens").iterdir()):
        # Keystone's naming: 0 is staged (used next), the highest number signs.
        for number in ("0", "1"):
            _write_once(place / "tokens" / number, Fernet.generate_key().decode(), owner)
    for host in cloud.host_names + cloud.fake_host_names:
        _write_once(place / "hosts" / f"{host}.key", secrets.token_hex(32), owner)


def secret_settings(cloud: Cloud, owner: Account) -> None:
    """What of the settings is secret, for control (`keys/settings`), and the broker's address for agents (`keys/broker`).

    Raises: Refused.
    """
    given = {name: cloud.environment.get(name, "") for name in settings_file.SECRETS}
    try:
        write(cloud.data / settings_file.NAME, settings_file.text(given), owner)
    except ValueError as error:
        raise Refused(f"A setting is wrong: {error}.") from None
    write(cloud.data / "keys" / "broker", cloud.broker_url + "\n", owner)


def passwords(cloud: Cloud, owner: Account) -> dict[str, str]:
    """Account → password: the environment's, else the kept ones, else new ones; written to `passwords`."""
    path = cloud.data / "passwords"
    kept = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line) if path.exists() else {}
    found = {}
    for account in ACCOUNTS:
        given = cloud.environment.get(f"STACKLING_{account.upper()}_PASSWORD")
        found[account] = given or kept.get(account) or secrets.token_urlsafe(12)
    if found != kept:
        write(path, "".join(f"{name}: {password}\n" for name, password in found.items()), owner)
    return found


def clouds_yaml(cloud: Cloud, owner: Account, known: dict[str, str]) -> None:
    """clouds.yaml for `openstack --os-cloud admin|demo`."""
    authority = cloud.environment.get("STACKLING_TLS_CA", "")
    clouds = {
        name: {
            "auth": {
                "auth_url": cloud.auth_url,
                "username": name,
                "password": password,
                "project_name": name,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": cloud.environment.get("STACKLING_REGION") or "RegionOne",
            "identity_api_version": 3,
            "interface": "public",
            **({"cacert": authority} if authority else {}),
        }
        for name, password in known.items()
    }
    text = yaml.safe_dump({"clouds": clouds}, sort_keys=False)
    path = cloud.data / "clouds.yaml"
    if not path.exists() or path.read_text() != text:
        write(path, text, owner)


def ready(cloud: Cloud, owner: Account, facts: dict[str, object]) -> None:
    """The `ready` file, written once everything answers; scripts wait for it."""
    write(cloud.data / "ready", json.dumps(facts, indent=1, sort_keys=True) + "\n", owner, 0o644)
