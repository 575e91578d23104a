"""Errors as sentences: a template and named data, nothing about HTTP.

Each verb's errors are classes beside it, subclassing one of the kinds here. The API renders the template in English,
the portal in the reader's language. `openstackapi.faults` knows which kind is which status in which service.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class CloudError(Exception):
    """What went wrong, why, and what to do next.

    `template` uses %(name)s for the named data. `code` is stable and is what flows and logs store.
    """

    template: str | Promise = _("Something went wrong.")
    code: str = ""
    #: The policy rule that keeps a thing from the caller where the sentence only says that it is not there.
    denies: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = cls.__name__
        BY_CODE.setdefault(cls.code, cls)

    def __init__(self, **data: Any) -> None:
        super().__init__(data)
        self.data = data

    @property
    def message(self) -> str:
        return render(self.template, self.data)

    def __str__(self) -> str:
        return self.message


#: Error classes by code, so that a stored code and its data become a sentence again in any language.
BY_CODE: dict[str, type[CloudError]] = {}


class _Missing(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def render(template: str | Promise, data: dict[str, Any]) -> str:
    """The sentence of a template and its data. A name without data shows as ``?`` instead of raising."""
    return str(template) % _Missing(data)


def sentence(code: str, data: dict[str, Any]) -> str:
    """The sentence of a stored code and data, in the active language."""
    kind = BY_CODE.get(code)
    if kind is None:
        return f"{code}: {data}" if data else code
    return render(kind.template, data)


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
    """Somebody asks more than is let through now."""

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


# ── What an agent reports (hostagent.contract.FAILURES), as sentences ───────────────────────────────────────────────


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
    template = _("Host %(host)s could not wire %(piece)s: %(detail)s")


class HostNotFound(HostFailure):
    code = "not_found"
    template = _("Host %(host)s has no %(what)s %(id)s.")


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


def from_report(host: str, code: str, data: dict[str, Any]) -> CloudError:
    """An agent's failure report as an error. Unknown codes become HostInternal."""
    kind = BY_CODE.get(code, HostInternal)
    if not issubclass(kind, HostFailure):
        kind = HostInternal
    return kind(**{"detail": code, **data, "host": host})
