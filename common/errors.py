"""Errors as sentences: a template and named data, nothing about HTTP.

Each verb's errors are classes beside it, subclassing one of the kinds here. The API renders the template in English,
the portal in the reader's language. `openstackapi.faults` knows which kind is which status in which service.
"""

import re
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Values that fill a sentence, by name.
Data = dict[str, Any]


class CloudError(Exception):
    """An error for people: a sentence on what went wrong, why, and what to do next.

    `template` names its data as %(name)s. A value may be a translated text itself (`reason=_("Port %(port)s is gone.")`),
    which is filled from the same data, a list of such, or another error; all are told, and stored, so that each reader has them in their own
    language.
    """

    template: str | Promise = _("Something went wrong.")
    #: Code that flows, servers and logs store: stable, and of one class alone. The class's name where the class says none.
    code: str = ""
    #: Name of the error in a service's envelope (Neutron's `type`, Placement's `code`). The class's name where the class says none.
    wire_type: str = ""
    #: Codes under which older databases hold this error, with the data of this template.
    formerly: tuple[str, ...] = ()
    #: The policy rule that keeps a thing from the caller where the sentence only says that it is not there.
    denies: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        cls.code, cls.wire_type = own.get("code", cls.__name__), own.get("wire_type", cls.__name__)
        cls.formerly = own.get("formerly", ())
        _register(cls)

    def __init__(self, **data: Any) -> None:
        super().__init__(data)
        self.data = data

    @property
    def message(self) -> str:
        return render(self.template, self.data)

    def __str__(self) -> str:
        return self.message


# ── Sentences ───────────────────────────────────────────────────────────────────────────────────────────────────────

#: A name in a template. Nothing else of Python's formats is filled in: what fills a stored sentence may come from anywhere.
_PLACE = re.compile(r"%(?:\((\w+)\)s|%)")


def render(template: str | Promise, data: Data) -> str:
    """Return the sentence of a template and its data. A name without data shows as ``?`` instead of raising."""
    return _filled(str(template), data, 2)


def _filled(text: str, data: Data, depth: int) -> str:
    return _PLACE.sub(lambda place: _shown(data.get(place[1], "?"), data, depth) if place[1] else "%", text)


def _shown(value: object, data: Data, depth: int) -> str:
    """A value in a sentence. `depth` is how far texts in texts are filled: those that name each other come to an end."""
    if isinstance(value, list) and any(isinstance(one, Promise) for one in value):
        return ", ".join(_shown(one, data, depth) for one in value)
    return _filled(str(value), data, depth - 1) if isinstance(value, Promise) and depth else str(value)


def sentence(code: str, data: Data) -> str:
    """Return the sentence of a stored code and data, in the active language."""
    kind = kind_of(code, data)
    if kind is None:
        return f"{code}: {data}" if data else code
    return render(kind.template, loaded(data))


def stored(data: Data) -> Data:
    """Return an error's data as JSON, from which `sentence` tells it in any language.

    A translated text is held by its English, as gettext finds it: {"@text": …}; another error as {"@error": code, "data": …}.
    Any other mapping is held as words: a user may have sent it.
    """
    return {name: _kept(value) for name, value in data.items()}


def _kept(value: object) -> object:
    match value:
        case Promise():
            with translation.override(None):
                return {"@text": str(value)}
        case CloudError():
            return {"@error": value.code, "data": stored(value.data)}
        case list():
            return [_kept(one) if isinstance(one, Promise | CloudError) else one for one in value]
        case str() | int() | float() | None:
            return value
    return str(value)


def loaded(data: Data) -> Data:
    """Stored data as an error had it: the counterpart of `stored`."""
    return {name: _had(value) for name, value in data.items()}


def _had(value: object) -> object:
    match value:
        case {"@text": str(english)}:
            return _(english)
        case {"@error": str(code), "data": dict(data)}:
            return restored(code, data)
        case list():
            return [_had(one) for one in value]
    return value


# ── Codes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Error classes by code, so that a stored code and its data become a sentence again.
BY_CODE: dict[str, type[CloudError]] = {}
#: Codes that older databases hold, with the classes that had them; some shared one.
FORMER: dict[str, list[type[CloudError]]] = {}


def _register(kind: type[CloudError]) -> None:
    other = BY_CODE.get(kind.code, kind)
    if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
        raise TypeError(
            f"{kind.__module__}.{kind.__qualname__} has the code {kind.code!r} of {other.__module__}.{other.__qualname__}: a "
            "stored one would be told in the other's sentence. Give it another name, and `wire_type` if a service's clients "
            "know it by this one."
        )
    BY_CODE[kind.code] = kind
    for code in kind.formerly:
        FORMER.setdefault(code, []).append(kind)


def kind_of(code: str, data: Data) -> type[CloudError] | None:
    """Return the class of a stored error, None where no loaded class has its code.

    Where several classes once shared the code: the one whose sentence uses most of the data.
    """
    kinds = [*([BY_CODE[code]] if code in BY_CODE else ()), *FORMER.get(code, ())]
    if len(kinds) < 2:
        return kinds[0] if kinds else None
    fitting = [kind for kind in kinds if names_of(kind) <= data.keys()]
    best: type[CloudError] = max(fitting or kinds, key=lambda kind: len(names_of(kind)))
    return best


def names_of(kind: type[CloudError]) -> set[str]:
    """List the names of data in a class's sentence."""
    return {name for name in _PLACE.findall(str(kind.template)) if name}


def restored(code: str, data: Data) -> CloudError:
    """Return a stored error as it was raised; a plain CloudError where no loaded class has its code."""
    return (kind_of(code, data) or CloudError)(**loaded(data))


# ── Kinds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Invalid(CloudError):
    """The request is not well formed or asks for something impossible."""

    template = _("%(reason)s")


class Unauthorized(CloudError):
    template = _("The request you have made requires authentication.")


class Forbidden(CloudError):
    template = _("You are not authorized to do this.")


class NotFound(CloudError):
    template = _("%(what)s %(id)s could not be found.")


class Conflict(CloudError):
    """The thing is in a state, or in a use, that does not allow this."""

    template = _("%(reason)s")


class OverLimit(CloudError):
    """A quota is spent."""

    template = _("Quota exceeded for %(resource)s: %(used)s used, limit %(limit)s, %(asked)s more asked.")


class NoCapacity(CloudError):
    """The cloud has no room for this now."""

    template = _("%(reason)s")


class TooLarge(CloudError):
    template = _("The request body is larger than %(limit)s bytes.")


class Unsupported(CloudError):
    template = _("%(what)s is not supported here.")


class Unavailable(CloudError):
    """A part that is needed does not answer now."""

    template = _("%(reason)s Try again in %(retry_after)s seconds.")

    def __init__(self, **data: Any) -> None:
        data.setdefault("retry_after", 5)
        super().__init__(**data)


class TooMany(CloudError):
    """More was asked at once than is let through now."""

    template = _("Too many requests at once. Try again in %(retry_after)s seconds.")

    def __init__(self, **data: Any) -> None:
        data.setdefault("retry_after", 2)
        super().__init__(**data)


class MethodNotAllowed(CloudError):
    template = _("The method is not allowed for this resource.")


class NotAcceptable(CloudError):
    template = _("%(reason)s")


class UnsupportedMediaType(CloudError):
    template = _("The content type %(content_type)s is not supported.")


class PreconditionFailed(CloudError):
    template = _("%(reason)s")


class Gone(CloudError):
    template = _("%(reason)s")


# ── What an agent reports (hostagent.contract.failures), as sentences ───────────────────────────────────────────────


class HostFailure(CloudError):
    """A host could not do a step; `host` is its name."""

    template = _("Host %(host)s could not do this: %(detail)s")


class ImageCorrupt(HostFailure):
    code = "image_corrupt"
    template = _(
        "The image %(image_id)s arrived on host %(host)s with other bytes than it should have. Upload it again."
    )


class ImageUnreachable(HostFailure):
    code = "image_unreachable"
    template = _("Host %(host)s could not read the image %(image_id)s: %(detail)s")


class NoSpace(HostFailure):
    code = "no_space"
    template = _("The disk of host %(host)s is full: %(need)s bytes are needed, %(have)s are free.")


class HypervisorDown(HostFailure):
    code = "hypervisor_down"
    template = _("The hypervisor of host %(host)s does not answer: %(detail)s")


class HypervisorRefused(HostFailure):
    code = "hypervisor_refused"
    template = _("The hypervisor of host %(host)s refused this: %(detail)s")


class NetworkRefused(HostFailure):
    code = "network_refused"
    template = _("Host %(host)s could not plug %(piece)s: %(detail)s")


class HostNotFound(HostFailure):
    code = "not_found"
    template = _("Host %(host)s has no %(what)s %(id)s.")


class HostInUse(HostFailure):
    code = "in_use"
    template = _("The %(what)s %(id)s is in use by instance %(server)s on host %(host)s.")


class HostTooSmall(HostFailure):
    code = "too_small"
    template = _("The %(what)s %(id)s needs %(need)s bytes and the volume has %(have)s. Make a larger volume.")


class HostUnreachable(HostFailure):
    code = "unreachable"
    template = _("Host %(host)s cannot give the %(what)s to another host, or does not reach it: %(detail)s")


class HostTimedOut(HostFailure):
    code = "timed_out"
    template = _("Host %(host)s did not finish within %(seconds)s seconds.")


class HostUnsupported(HostFailure):
    code = "unsupported"
    template = _("Host %(host)s cannot do %(what)s with its driver %(driver)s.")


class HostStale(HostFailure):
    code = "stale"
    template = _("Host %(host)s has newer orders (%(have)s) than this one (%(got)s).")


class HostSawNewer(HostFailure):
    code = "estranged"
    template = _(
        "Host %(host)s has served a newer database than this one, or another one, and changes nothing for this one."
    )


class HostInternal(HostFailure):
    code = "internal"
    template = _("Host %(host)s failed unexpectedly: %(detail)s")


class HostSilent(HostFailure):
    """Control's own word for a host that did not answer before the deadline."""

    template = _("Host %(host)s did not answer within %(seconds)s seconds. It was last seen %(seen)s.")


class HostDown(HostFailure):
    """Control's own word for a host that is down, so that it is not waited for."""

    template = _("Host %(host)s is down, so this could not be done there.")


class StepFailed(CloudError):
    """A step raised something unexpected three times."""

    template = _("The step %(step)s failed unexpectedly: %(detail)s")


class TimedOut(CloudError):
    """A step waited longer than it may."""

    template = _("The step %(step)s did not finish within %(seconds)s seconds.")


def reported(data: object) -> Data:
    """Return an agent's data as it may be stored and told: plain values, none of which is taken for a text of ours."""
    if not isinstance(data, dict):
        return {}
    return {name: value if isinstance(value, str | int | float | None) else str(value) for name, value in data.items()}


def from_report(host: str, code: str, data: Data) -> CloudError:
    """Return an agent's failure report as an error. Unknown codes become HostInternal."""
    kind = BY_CODE.get(code, HostInternal)
    if not issubclass(kind, HostFailure):
        kind = HostInternal
    return kind(**{"detail": code, **reported(data), "host": host})
