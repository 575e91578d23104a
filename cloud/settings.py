"""Settings of the cloud, from the environment (documented in .env.example) and from the files in STACKLING_DATA."""

import hashlib
import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from cloud import database, rooms, settings_file
from cloud.run import cookies, limits
from hostagent.process import keyfile, memory

memory.without_telemetry()

BASE_DIR = Path(__file__).resolve().parent.parent


# ── Where state lives ───────────────────────────────────────────────────────────────────────────────────────────────
DATA = Path(os.environ.get("STACKLING_DATA") or BASE_DIR / "var").resolve()


def env(name: str, default: str = "") -> str:
    """Read a setting from the environment, or, where it is a secret, from the file that `make run` wrote; never that in tests."""
    return (os.environ.get(name, "") if "pytest" in sys.modules else settings_file.get(name, DATA)) or default


CLOUD_ID = hashlib.sha256(str(DATA).encode()).hexdigest()[:8]


def choices(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read which of `known` a variable names; all if it is empty, none for "none". Raises: ImproperlyConfigured."""
    said = env(name)
    asked = tuple(part.strip() for part in said.split(",") if part.strip()) if said != "none" else ()
    for one in asked:
        if one not in known:
            raise ImproperlyConfigured(
                f"{name} is {said!r}; it may name {', '.join(known)}, or none. Correct it and start again."
            )
    return asked or (() if said == "none" else known)


RUN = Path(env("STACKLING_RUN", f"/run/stackling/{CLOUD_ID}"))
KEYS = DATA / "keys"
TESTING = env("STACKLING_TESTING") == "1" or "pytest" in sys.modules
FAULT = env("STACKLING_FAULT") if TESTING else ""

PORT = int(env("STACKLING_PORT", "8000"))
LISTEN = env("STACKLING_LISTEN", "127.0.0.1")
EXTERNAL_CIDR = env("STACKLING_EXTERNAL_CIDR", "172.24.4.0/24")
#: Where clients reach this cloud, "" when not said: then links follow the name that a client asked for.
PUBLIC_URL = env("STACKLING_PUBLIC_URL").rstrip("/")
_LIMITS = limits.read(env("STACKLING_RATE_LIMITS"))
USER_REQUESTS_PER_SECOND = _LIMITS.user
USER_UPLOADS = _LIMITS.uploads
#: Hashes of passwords that a process computes at a time: those that the reverse proxy lets through, and one of another route.
PASSWORD_HASHES = _LIMITS.hashes + 1
#: Bearer token for /metrics and the details of /readyz; "": both are told only at a socket of this machine.
METRICS_TOKEN = env("STACKLING_METRICS_TOKEN")
REGION = env("STACKLING_REGION", "RegionOne")


#: Commands that need no secret: they sign nothing, or bring it back.
KEYLESS = ("collectstatic", "makemigrations", "compilemessages", "check", "cloud_restore", "states")


def _secret() -> str:
    path = KEYS / "secret"
    if path.exists():
        return path.read_text()
    if TESTING or any(word in sys.argv for word in KEYLESS):
        return "only-for-commands-that-sign-nothing"
    raise SystemExit(
        f"No secret key at {path}. `make run` makes one for a new cloud; `manage.py cloud_restore` puts back that of an old one."
    )


DEBUG = env("STACKLING_DEBUG") == "1"
#: The first signs and seals; while it is rotated (cloud.rotation) the other is known too.
_given = env("STACKLING_SECRET_KEY")
SECRET_KEY, *SECRET_KEY_FALLBACKS = (_given,) if _given else keyfile.keys_in(_secret())
#: Where it comes from; None: from a setting.
SECRET_FILE = None if _given else KEYS / "secret"
#: Hosts as the reverse proxy checks them. It also knows the address that a client connected to, so a cloud that listens at
#: all addresses leaves the check to it.
ALLOWED_HOSTS = [one.strip() for one in env("STACKLING_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")]
if LISTEN in ("0.0.0.0", "::"):
    ALLOWED_HOSTS.append("*")
USE_X_FORWARDED_HOST = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "channels",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "cloud",
    *rooms.APPS,
]

MIDDLEWARE = [
    "openstackapi.requests.RequestIdMiddleware",
    "openstackapi.links.OutsideMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.Compressed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.ContentPolicy",
    "portal.middleware.NoNul",
]
if "pytest" in sys.modules:  # it would read every static file anew for each test client
    MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")
ROOT_URLCONF = "cloud.urls"
WSGI_APPLICATION = "cloud.wsgi.application"
ASGI_APPLICATION = "cloud.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["portal.ui.folding.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── Database ────────────────────────────────────────────────────────────────────────────────────────────────────────
_FILE = DATA / "database" / "db.sqlite3"
if (DATA / "db.sqlite3").exists() or not _FILE.parent.is_dir():
    _FILE = DATA / "db.sqlite3"  # of a cloud of before, or of none yet: the next start moves it
DATABASES = {"default": database.read(env, _FILE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: The most bytes of the file of samples (telemetry.samples.store), which lies beside the database, whatever that is.
TELEMETRY_BYTES = int(env("STACKLING_TELEMETRY_BYTES", "3000000000"))

# ── Broker and channel layer ────────────────────────────────────────────────────────────────────────────────────────
REDIS_SOCKET = RUN / "redis" / "redis.sock"
BROKER_URL = env("BROKER_URL", f"redis+socket://{REDIS_SOCKET}?virtual_host=0")
CHANNEL_URL = env("CHANNEL_URL", f"unix://{REDIS_SOCKET}?db=1")
if "pytest" in sys.modules:
    CHANNEL_LAYERS: dict[str, object] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [CHANNEL_URL], "prefix": "live"},
        }
    }

# ── Identity ────────────────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["identity.backends.PasswordBackend", "guardian.backends.ObjectPermissionBackend"]
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
ANONYMOUS_USER_NAME = None
PASSWORD_HASHERS = ["identity.hashers.Argon2"]
TOKEN_LIFETIME = int(env("STACKLING_TOKEN_SECONDS", "14400"))
TOKEN_KEYS = KEYS / "tokens"
POLICY_FILE = DATA / "policy.yaml"
#: What an operator adds to the portal's gallery of images, in the form of images/gallery/images.toml.
IMAGE_GALLERY = DATA / "gallery.toml"
#: The oldest version of the contract that agents may speak: 1 (both are taken) or 2.
AGENT_CONTRACT = int(env("STACKLING_AGENT_CONTRACT", "1"))
#: Dashboards elsewhere to which a federated sign-in (websso) may post a token: whole addresses, separated by commas.
TRUSTED_DASHBOARDS = [one.strip() for one in env("STACKLING_TRUSTED_DASHBOARDS").split(",") if one.strip()]
LOGIN_URL = "/sign-in"
SESSION_COOKIE_NAME = f"stackling_{CLOUD_ID}"
CSRF_COOKIE_NAME = f"stackling_csrf_{CLOUD_ID}"
#: Cookies that a browser sends with a console ticket: one of the portal's session, one of a page that anyone may open. The
#: reverse proxy (cloud/run/reverse_proxy.py) lets no other cookie through to the consoles' process.
CONSOLE_COOKIE_NAME, CONSOLE_PAGE_COOKIE_NAME = cookies.of_consoles(CLOUD_ID)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
#: A session ends when nobody used it for so long, and in any case so long after the sign-in.
SESSION_IDLE_SECONDS = int(env("STACKLING_SESSION_IDLE_SECONDS", "7200"))
SESSION_COOKIE_AGE = int(env("STACKLING_SESSION_SECONDS", "43200"))
#: How young a sign-in has to be for what is sensitive.
SESSION_RECENT_SECONDS = int(env("STACKLING_SESSION_RECENT_SECONDS", "900"))
SESSION_ENGINE = "identity.signin.store"
#: Failed tries in a row before a name pauses, and for how long.
LOCKOUT_FAILURES = int(env("STACKLING_LOCKOUT_FAILURES", "10"))
LOCKOUT_SECONDS = int(env("STACKLING_LOCKOUT_SECONDS", "300"))
#: Days after which deleted servers, moves and the like are forgotten (common.purging).
PURGE_DAYS = float(env("STACKLING_PURGE_DAYS", "90"))
#: Days for which audit records stay.
AUDIT_DAYS = float(env("STACKLING_AUDIT_DAYS", "90"))
#: Where a backup goes each night ("": nowhere), under which passphrase, how many stay, and whether images' bytes go along.
BACKUP_TO = env("STACKLING_BACKUP_TO")
BACKUP_PASSPHRASE_FILE = env("STACKLING_BACKUP_PASSPHRASE_FILE")
BACKUP_KEEP = int(env("STACKLING_BACKUP_KEEP", "7"))
BACKUP_IMAGES = env("STACKLING_BACKUP_IMAGES", "by-reference")
BACKUP_S3_ENDPOINT = env("STACKLING_BACKUP_S3_ENDPOINT")
BACKUP_S3_REGION = env("STACKLING_BACKUP_S3_REGION")
BACKUP_S3_ACCESS_KEY = env("STACKLING_BACKUP_S3_ACCESS_KEY")
BACKUP_S3_SECRET_KEY = env("STACKLING_BACKUP_S3_SECRET_KEY")
#: Rules about new passwords; 0 and "" are none.
PASSWORD_HISTORY = int(env("STACKLING_PASSWORD_HISTORY", "0"))
PASSWORD_EXPIRES_DAYS = int(env("STACKLING_PASSWORD_EXPIRES_DAYS", "0"))
PASSWORD_REGEX = env("STACKLING_PASSWORD_REGEX")
PASSWORD_REGEX_DESCRIPTION = env("STACKLING_PASSWORD_REGEX_DESCRIPTION")
MFA_ADAPTER = "identity.signin.mfa.adapter.Adapter"
MFA_SUPPORTED_TYPES = ["recovery_codes", "webauthn"]  # codes of an app are Keystone's credentials
MFA_PASSKEY_LOGIN_ENABLED = True
SESSION_COOKIE_SECURE = PUBLIC_URL.startswith("https") or bool(not PUBLIC_URL and env("STACKLING_TLS_PEM"))
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_FAILURE_VIEW = "portal.session.views.stale"

# ── Language, time, files ───────────────────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STACKLING_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if "pytest" in sys.modules or DEBUG
        else "cloud.staticfiles.ManifestStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
CONSOLE_LOGS = DATA / "consoles"
IMAGE_STORE = DATA / "images"
#: The most bytes of one image, and the most seconds in which another web server may send them.
IMAGE_SIZE_LIMIT = 1 << 40
FETCH_SECONDS = int(env("STACKLING_FETCH_SECONDS", "3600"))
IMAGE_IMPORT_METHODS = choices("STACKLING_IMAGE_IMPORT_METHODS", ("glance-direct", "web-download"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["openstackapi.render.JSONRenderer", "openstackapi.render.BrowsableRenderer"],
    "DEFAULT_PARSER_CLASSES": ["openstackapi.render.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "openstackapi.autoschema.ServiceSchema",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "EXCEPTION_HANDLER": "openstackapi.faults.handle",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stackling",
    "DESCRIPTION": "OpenStack's APIs as this cloud serves them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/[a-z]+",
    "AUTHENTICATION_WHITELIST": [],
    "PREPROCESSING_HOOKS": ["openstackapi.autoschema.routes"],
    "POSTPROCESSING_HOOKS": ["openstackapi.components.components"],
    "SORT_OPERATIONS": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {
                "type": "apiKey",
                "in": "header",
                "name": "X-Auth-Token",
                "description": "A token of POST /api/identity/v3/auth/tokens. A portal session with CSRF does too.",
            }
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "hostagent.process.logs.formatter"}},
    "filters": {"counted": {"()": "common.metrics.CountRecords"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["counted"]}},
    "root": {"handlers": ["stderr"], "level": env("STACKLING_LOG_LEVEL", "INFO")},
    "loggers": {"django.request": {"level": "ERROR"}, "celery": {"level": "WARNING"}, "kombu": {"level": "WARNING"}},
}
