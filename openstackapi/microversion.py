"""Microversions: which one a request asks for, and what the answer's headers say.

Source: https://docs.openstack.org/api-guide/compute/microversions.html. No header is the minimum, ``latest`` the maximum,
malformed is 400, out of range 406.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.errors import Invalid, NotAcceptable
from openstackapi import services

Version = tuple[int, int]


@dataclass(frozen=True)
class Range:
    minimum: Version
    maximum: Version
    legacy_header: str = ""  # Nova's own older header


_FORM = re.compile(r"^([1-9]\d*)\.([1-9]\d*|0)\Z")
NONE: Version = (0, 0)


def parse(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)


def text_of(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def range_of(service: str) -> Range | None:
    """Return the microversions that a service has; None for one without."""
    known = services.find(service)
    return _range(known) if known is not None and known.microversions is not None else None


@lru_cache
def _range(service: services.Service) -> Range:
    minimum, maximum = service.microversions or ("0.0", "0.0")
    return Range(parse(minimum), parse(maximum), service.legacy_header)


class BadVersion(Invalid):
    template = _("API Version String '%(version)s' is of invalid format. Must be of format MajorNum.MinorNum.")


class VersionOutOfRange(NotAcceptable):
    template = _("Version %(version)s is not supported by the API. Minimum is %(minimum)s and maximum is %(maximum)s.")


def read(service: str, request: HttpRequest) -> Version:
    """Read the version a request asks of `service`; (0, 0) for a service without microversions."""
    known = range_of(service)
    if known is None:
        return NONE
    asked = ""
    for part in request.META.get("HTTP_OPENSTACK_API_VERSION", "").split(","):
        words = part.split()
        if len(words) == 2 and words[0].lower() == service:
            asked = words[1]
    if not asked and known.legacy_header:
        asked = request.META.get("HTTP_" + known.legacy_header.upper().replace("-", "_"), "").strip()
    if not asked:
        return known.minimum
    if asked.lower() == "latest":
        return known.maximum
    if not _FORM.match(asked):
        raise BadVersion(version=asked)
    version = parse(asked)
    if not known.minimum <= version <= known.maximum:
        raise VersionOutOfRange(version=asked, minimum=text_of(known.minimum), maximum=text_of(known.maximum))
    return version


def headers(service: str, version: Version) -> dict[str, str]:
    """Make the headers that tell an answer's version; none for a service without microversions."""
    known = range_of(service)
    if known is None:
        return {}
    out = {"OpenStack-API-Version": f"{service} {text_of(version)}", "Vary": "OpenStack-API-Version"}
    if known.legacy_header:
        out[known.legacy_header] = text_of(version)
        out["Vary"] += f", {known.legacy_header}"
    return out
