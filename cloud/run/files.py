"""Keys, passwords, clouds.yaml: what a cloud makes once and keeps in STACKLING_DATA."""

import errno
import json
import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from cryptography.fernet import Fernet

from cloud import settings_file
from cloud.run import users
from cloud.run.settings import Cloud, Refused
from cloud.run.users import Accounts, Place
from hostagent.process.durable import put_whole

ACCOUNTS = ("admin", "demo")
Rights = tuple[int, int, int]  # uid, gid, mode


def write(path: Path, text: str, rights: Rights) -> None:
    """Replace a file whole: readers see the old or the new one, also after a power cut. Data encrypted with a key may survive one,
    so the key must too."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        _set(file.fileno(), rights)
    put_whole(scratch, path)


def _set(file: int, rights: Rights) -> None:
    """A new owner takes the set-group bit away, so the mode comes last."""
    uid, gid, mode = rights
    facts = os.fstat(file)
    if (facts.st_uid, facts.st_gid) != (uid, gid):
        os.fchown(file, uid, gid)
    if stat.S_IMODE(os.fstat(file).st_mode) != mode:
        os.fchmod(file, mode)


def _mend(path: Path, rights: Rights) -> None:
    """Set the owner and mode of a file or folder; absent is success. Others may write beside it: no link is followed. Raises: Refused."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Refused(f"{path} is a link, where a cloud makes none. See who put it there, and take it away.") from None
    try:
        _set(file, rights)
    finally:
        os.close(file)


def of_file(accounts: Accounts, name: str) -> Rights:
    """Return the rights of a file below STACKLING_DATA."""
    if name in users.FILES:
        return accounts.of_folder(users.FILES[name])
    folder = users.DATA.get(str(Path(name).parent))
    return accounts.of_files(folder) if folder else (accounts.starter.uid, accounts.starter.gid, 0o600)


def folders(cloud: Cloud, accounts: Accounts) -> None:
    """Make the folders of users.DATA, each its user's, and bring an earlier layout to this one; folders of hosts stay root's."""
    cloud.data.mkdir(parents=True, exist_ok=True)
    # Hosts' daemons and other users pass to what is their own below; nobody else may list.
    _mend(cloud.data, (accounts.starter.uid, accounts.starter.gid, 0o711))
    for name, place in users.DATA.items():
        _data_folder(cloud.data, name, place, accounts)
    _forget_former(cloud)
    _database(cloud, accounts)
    for name in users.FILES:
        _mend(cloud.data / name, of_file(accounts, name))
    (cloud.data / "hosts").mkdir(exist_ok=True)
    (cloud.data / "hosts").chmod(0o711)
    for host in cloud.fake_host_names:  # their agent is not root
        for path in (cloud.data / "hosts" / host, cloud.run / "hosts" / host):
            path.mkdir(parents=True, exist_ok=True)
            _mend(path, (accounts.control.uid, accounts.control.gid, 0o711))
            for found in _below(path):
                _take(found, accounts.control.uid, accounts.control.gid)


def _data_folder(data: Path, name: str, place: Place, accounts: Accounts) -> None:
    """The folder with all in it that is not another's: a start that was cut, or ran as another, leaves nothing in our way."""
    path = data / name
    path.mkdir(exist_ok=True, mode=0o700)
    _mend(path, accounts.of_folder(place))
    uid, gid, mode = accounts.of_files(place)
    others = {data / other for other in (*users.DATA, *users.FILES) if other.startswith(f"{name}/")}
    for found in _below(path, others):
        _take(found, uid, gid)
        if found.parent == path and stat.S_ISREG(found.lstat().st_mode):
            _mend(found, (uid, gid, mode))


def _below(path: Path, others: Container[Path] = ()) -> Iterator[Path]:
    """All that is in a folder, but `others`."""
    for folder, below, inside in os.walk(path):
        below[:] = [one for one in below if Path(folder, one) not in others]
        yield from (found for one in (*below, *inside) if (found := Path(folder, one)) not in others)


def _take(path: Path, uid: int, gid: int) -> None:
    facts = path.lstat()
    if (facts.st_uid, facts.st_gid) != (uid, gid):
        os.chown(path, uid, gid, follow_symlinks=False)


def _database(cloud: Cloud, accounts: Accounts) -> None:
    """Make SQLite's file before any process does: its mode, which SQLite copies to the files beside it, must let all users in.

    Raises: Refused for a place of the operator's own that not all of them can write.
    """
    url = cloud.environment.get("DATABASE_URL", "")
    if url and not url.startswith("sqlite"):
        return
    former, path = cloud.data / "db.sqlite3", cloud.data / "database" / "db.sqlite3"
    for end in ("-wal", "-shm", "-turn", ""):  # the file itself last: a start that is cut goes on from here
        old, new = former.with_name(former.name + end), path.with_name(path.name + end)
        if old.exists():
            if new.exists():
                raise Refused(
                    f"There are two databases, {former} and {path}. Move the one that is not this cloud's away."
                )
            old.rename(new)
    path = Path(unquote(urlsplit(url).path)) if url else path
    if not accounts.are_several:
        return
    rights = accounts.of_files(users.DATA["database"])
    _check_folder(path.parent, rights[1])
    for end in ("", "-wal", "-shm", "-turn"):
        file = path.with_name(path.name + end)
        if end in ("", "-turn"):
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        _mend(file, rights)


def _check_folder(folder: Path, gid: int) -> None:
    """Check the folder of SQLite's file. Raises: Refused where not all who open the database can make files in its folder."""
    name = users.GROUPS["database"][0]
    try:
        facts = folder.stat()
    except FileNotFoundError:
        raise Refused(f"DATABASE_URL names a file in {folder}, which is not there. Make that folder.") from None
    if (facts.st_gid, facts.st_mode & 0o2070) != (gid, 0o2070):
        where = shlex.quote(str(folder))
        raise Refused(
            f"DATABASE_URL names a file in {folder}, where not all programs of the cloud may write: SQLite keeps files beside it. Let"
            f" their group in with `chgrp {name} {where} && chmod g+rwxs {where}`."
        )


def _forget_former(cloud: Cloud) -> None:
    """Delete files of earlier releases: signed tickets for consoles, nginx's files in the cache, denials among the logs."""
    for name in ("consoles/given", "consoles/revoked", "cache/nginx"):
        shutil.rmtree(cloud.data / name, ignore_errors=True)
    for name in ("keys/console.key", "logs/denials.jsonl", "logs/denials.old", "cache/openapi.json"):
        (cloud.data / name).unlink(missing_ok=True)


def keys(cloud: Cloud, accounts: Accounts) -> None:
    """Make the signing key, the first token keys and a key for each host, where they are absent."""

    def once(name: str, text: str) -> None:
        if not (cloud.data / name).exists():
            write(cloud.data / name, text, of_file(accounts, name))

    once("keys/secret", secrets.token_hex(32))
    if not any((cloud.data / "keys" / "tokens").iterdir()):
        # Keystone's naming: 0 is staged (used next), the highest number signs.
        for number in ("0", "1"):
            once(f"keys/tokens/{number}", Fernet.generate_key().decode())
    for host in cloud.host_names + cloud.fake_host_names:
        once(f"keys/hosts/{host}.key", secrets.token_hex(32))


def secret_settings(cloud: Cloud, accounts: Accounts) -> None:
    """Write the secret settings to the files of cloud/settings_file.py, and the broker's address for agents to `keys/broker`.

    Raises: Refused.
    """
    for name, needed in settings_file.FILES.items():
        given = {setting: cloud.environment.get(setting, "") for setting in needed}
        try:
            text = settings_file.text(given)
        except ValueError as error:
            raise Refused(f"A setting is wrong: {error}.") from None
        write(cloud.data / name, text, of_file(accounts, name))
    write(cloud.data / "keys" / "broker", cloud.broker_url + "\n", of_file(accounts, "keys/broker"))


def passwords(cloud: Cloud, accounts: Accounts) -> dict[str, str]:
    """Account → password: the environment's, else the kept ones, else new ones; written to `passwords`."""
    path = cloud.data / "passwords"
    kept = dict(line.split(": ", 1) for line in path.read_text().splitlines() if ": " in line) if path.exists() else {}
    found = {}
    for account in ACCOUNTS:
        given = cloud.environment.get(f"STACKLING_{account.upper()}_PASSWORD")
        found[account] = given or kept.get(account) or secrets.token_urlsafe(12)
    if found != kept:
        text = "".join(f"{name}: {password}\n" for name, password in found.items())
        write(path, text, of_file(accounts, "passwords"))
    return found


def clouds_yaml(cloud: Cloud, accounts: Accounts, known: dict[str, str]) -> None:
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
        write(path, text, of_file(accounts, "clouds.yaml"))


def ready(cloud: Cloud, accounts: Accounts, facts: dict[str, object]) -> None:
    """Write the `ready` file, once everything answers; scripts wait for it."""
    write(
        cloud.data / "ready",
        json.dumps(facts, indent=1, sort_keys=True) + "\n",
        (accounts.starter.uid, accounts.starter.gid, 0o644),
    )
