"""An identity provider of its own: django-allauth's OpenID Connect provider in a second process, for tests.

``python -m tests.identity.oidc_peer <folder> <port> <access token format> <cloud>`` serves until it is ended. Its users are
`alice` (groups staff, admins) and `bob` (group staff); its client `cloud` takes the redirect URIs of the test server.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import requests

PASSWORD = "a password of the provider"
CLIENT, SECRET = "cloud", "the client's secret: with / and %"
GROUPS = {"alice": ["staff", "admins"], "bob": ["staff"]}
WEBSSO = "/api/identity/v3/auth/OS-FEDERATION/identity_providers/peer/protocols/openid/websso"
REDIRECTS = ("http://testserver/sign-in/federated", f"http://testserver{WEBSSO}")


class Peer:
    """The running provider, as a browser and as its operator see it."""

    def __init__(self, folder: Path, access_format: str, cloud: str = "http://testserver") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        command = [sys.executable, "-m", "tests.identity.oidc_peer", str(folder), str(self.port), access_format, cloud]
        self.log = (folder / "peer.log").open("wb")
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)
        self._wait(folder)

    def _wait(self, folder: Path) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=2).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise AssertionError((folder / "peer.log").read_text()) from None
                time.sleep(0.2)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def browser(self, name: str) -> requests.Session:
        """A browser that is signed in at the provider."""
        session = requests.Session()
        session.trust_env = False
        form = {"login": name, "password": PASSWORD}
        answer = session.post(f"{self.issuer}/accounts/login/", data=form, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return session

    def authorize(self, name: str, url: str) -> str:
        """Where the provider sends a signed-in browser that follows `url`."""
        answer = self.browser(name).get(url, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def tokens(self, name: str, scope: str = "openid email profile groups") -> dict[str, Any]:
        """What a command line gets with the code flow: access_token, id_token."""
        redirect = REDIRECTS[0]
        query = {"response_type": "code", "client_id": CLIENT, "redirect_uri": redirect, "scope": scope, "state": "s"}
        url = requests.Request("GET", f"{self.issuer}/identity/o/authorize", params=query).prepare().url
        back = self.authorize(name, str(url))
        code = back.split("code=")[1].split("&")[0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        answer = requests.post(f"{self.issuer}/identity/o/api/token", data=form, auth=(CLIENT, SECRET), timeout=10)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


# ── The second process ──────────────────────────────────────────────────────────────────────────────────────────────


def _configure(folder: Path, access_format: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    apps = ("auth", "contenttypes", "sessions", "messages")
    settings.configure(
        DEBUG=True,
        SECRET_KEY="the provider's",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.identity.oidc_peer_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "peer.sqlite3")}},
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "allauth", "allauth.account", "allauth.idp.oidc"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_REDIRECT_URL="/.well-known/openid-configuration",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        IDP_OIDC_PRIVATE_KEY=pem,
        IDP_OIDC_ADAPTER="tests.identity.oidc_peer_urls.Adapter",
        IDP_OIDC_ACCESS_TOKEN_FORMAT=access_format,
        IDP_OIDC_INTROSPECTION_ENABLED=True,
    )


def _fill(cloud: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for name in GROUPS:
        user = User.objects.create_user(name, f"{name}@example.org", PASSWORD, first_name=name.title())
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    Client.objects.create(
        id=CLIENT,
        name="The cloud",
        secret=make_password(SECRET),
        scopes="openid\nemail\nprofile\ngroups",
        grant_types="authorization_code",
        redirect_uris="\n".join(uri.replace("http://testserver", cloud) for uri in REDIRECTS),
        skip_consent=True,
    )


def main() -> None:
    folder, port, access_format, cloud = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    _configure(folder, access_format)
    import django

    django.setup()
    _fill(cloud)
    from wsgiref.simple_server import make_server

    from django.core.wsgi import get_wsgi_application

    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    main()
