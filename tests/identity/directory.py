"""An LDAP server of the test's own: Debian's slapd in a folder, with TLS and a few people."""

import ipaddress
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SUFFIX = "dc=example,dc=org"
MANAGER, MANAGER_PASSWORD = f"cn=manager,{SUFFIX}", "the manager's"
READER, READER_PASSWORD = f"cn=reader,{SUFFIX}", "the reader's"
PASSWORD = "a password of the directory"
PEOPLE, GROUPS = f"ou=People,{SUFFIX}", f"ou=Groups,{SUFFIX}"

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
directory {folder}/db
suffix {suffix}
rootdn {manager}
rootpw "{manager_password}"
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by anonymous auth by * none
"""

FOLK = (("ann", "Lee", "TRUE"), ("bea", "Ray", "TRUE"), ("cid", "Fox", "FALSE"))

TREE = """
dn: {suffix}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=People,{suffix}
objectClass: organizationalUnit
ou: People

dn: ou=Groups,{suffix}
objectClass: organizationalUnit
ou: Groups

dn: cn=reader,{suffix}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {reader_password}
"""


class Slapd:
    def __init__(self, folder: Path) -> None:
        program = shutil.which("slapd", path="/usr/sbin:/usr/bin")
        if program is None:
            pytest.fail("LDAP tests need slapd; `./setup.sh test` installs it", pytrace=False)
        self.folder, self.program = folder, program
        self.port, self.tls_port = _free(), _free()
        (folder / "db").mkdir()
        _certificates(folder)
        values = {"folder": folder, "suffix": SUFFIX, "manager": MANAGER, "reader": READER}
        conf = CONF.format(**values, manager_password=MANAGER_PASSWORD)
        (folder / "slapd.conf").write_text(conf)
        tree = TREE.format(suffix=SUFFIX, reader_password=READER_PASSWORD)
        (folder / "tree.ldif").write_text(tree.strip() + "\n")
        add = [program.replace("slapd", "slapadd"), "-f", str(folder / "slapd.conf"), "-l", str(folder / "tree.ldif")]
        subprocess.run(add, check=True, capture_output=True)
        self.start()

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"
        self.log = (self.folder / "slapd.log").open("ab")
        command = [self.program, "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        until = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError((self.folder / "slapd.log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def manager(self) -> ldap3.Connection:
        """A connection that may change everything."""
        return ldap3.Connection(f"ldap://127.0.0.1:{self.port}", MANAGER, MANAGER_PASSWORD, auto_bind=True)

    def reset(self) -> None:
        """The people and groups of the beginning."""
        if self.process.poll() is not None:
            self.start()
        with self.manager() as manager:
            for base in (PEOPLE, GROUPS):
                manager.search(base, "(objectClass=*)", ldap3.SUBTREE, attributes=["1.1"])
                found = sorted((raw["dn"] for raw in manager.response), key=len, reverse=True)
                for dn in found[:-1]:
                    assert manager.delete(dn), manager.result
            for uid, sn, state in FOLK:
                person = {"uid": uid, "cn": f"{uid.title()} {sn}", "sn": sn, "employeeType": state}
                person |= {"mail": f"{uid}@example.org", "userPassword": PASSWORD}
                assert manager.add(f"uid={uid},{PEOPLE}", ["inetOrgPerson"], person), manager.result
            ops = {"cn": "ops", "description": "Operations"}
            members = [f"uid=ann,{PEOPLE}", f"UID=bea, {PEOPLE}"]
            assert manager.add(f"cn=ops,{GROUPS}", ["groupOfNames"], {**ops, "member": members}), manager.result

    def options(self, **more: Any) -> dict[str, Any]:
        """A domain's configuration that fits this directory."""
        found = {
            "url": f"ldap://127.0.0.1:{self.port}",
            "user": READER,
            "password": READER_PASSWORD,
            "suffix": SUFFIX,
            "query_scope": "one",
            "user_tree_dn": PEOPLE,
            "user_id_attribute": "uid",
            "user_name_attribute": "uid",
            "user_enabled_attribute": "employeeType",
            "group_tree_dn": GROUPS,
            "group_name_attribute": "cn",
        }
        return {"identity": {"driver": "ldap"}, "ldap": {**found, **more}}


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _certificates(folder: Path) -> None:
    """An authority, and a certificate of 127.0.0.1 that it signed."""
    moment = datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def signed(name: x509.Name, public: Any, extension: Any) -> bytes:
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(ca_name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(moment - timedelta(days=1)).not_valid_after(moment + timedelta(days=1))
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    basic = x509.BasicConstraints(ca=True, path_length=None)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    (folder / "ca.pem").write_bytes(signed(ca_name, ca_key.public_key(), basic))
    (folder / "cert.pem").write_bytes(signed(own, key.public_key(), names))
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
