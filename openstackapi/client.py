"""Address of a request's client."""

from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Return the client's address as the reverse proxy gives it: it sets X-Forwarded-For itself, whatever a client sent."""
    given = request.META.get("HTTP_X_FORWARDED_FOR") or request.META.get("REMOTE_ADDR", "")
    return str(given).split(",")[-1].strip()[:45]
