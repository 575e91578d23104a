"""Domains and their configuration."""

from rest_framework.response import Response

from identity.domains import services
from identity.domains.options import OPTIONS
from identity.domains.services import DOMAINS
from identity.resource import Values
from identity.views import IdentityView, ListView, OwnerItemView

_CONFIG = {"type": "object", "properties": {"config": {"type": "object"}}}


class DomainList(ListView):
    resource = DOMAINS


class DomainItem(OwnerItemView):
    resource = DOMAINS


#: Options by group; an option by itself where the address names one.
_SHOWN: dict[object, object] = {
    **{f"{group}?": {f"{option}?": object for option in options} for group, options in OPTIONS.items()},
    str: object,
}
_DEFAULTS: dict[object, object] = {
    **{
        f"{group}?": {f"{option}?": type(value) for option, value in options.items()}
        for group, options in OPTIONS.items()
    },
    str: object,
}


class DomainConfigPart(IdentityView):
    """/domains/{id}/config/{group} and …/{option}."""

    bodies = {"patch": _CONFIG}
    answers = {"get": {200: {"config": _SHOWN}}, "patch": {200: {"config": _SHOWN}}}

    def sent(self) -> Values:
        config: Values = (self.body() or {}).get("config", {})
        return config

    def get(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        return Response({"config": _part(services.config(self.actor, domain_id, group, option), group, option)})

    def patch(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        new = self.sent()
        stored, _fresh = services.set_config(self.actor, domain_id, new, group=group, option=option)
        return Response({"config": stored})

    def delete(self, request: object, domain_id: str, group: str | None = None, option: str | None = None) -> Response:
        services.drop_config(self.actor, domain_id, group, option)
        return Response(status=204)


class DomainConfig(DomainConfigPart):
    """/domains/{id}/config, which can also be replaced whole."""

    bodies = {"patch": _CONFIG, "put": _CONFIG}
    answers = {"put": {200: {"config": _SHOWN}, 201: {"config": _SHOWN}}}

    def put(self, request: object, domain_id: str) -> Response:
        new = self.sent()
        stored, fresh = services.set_config(self.actor, domain_id, new, replace=True)
        return Response({"config": stored}, status=201 if fresh else 200)


class DefaultConfig(IdentityView):
    """/domains/config/default, …/{group}/default, …/{group}/{option}/default."""

    answers = {"get": {200: {"config": _DEFAULTS}}}

    def get(self, request: object, group: str | None = None, option: str | None = None) -> Response:
        return Response({"config": services.default_config(self.actor, group, option)})


def _part(found: Values, group: str | None, option: str | None) -> Values:
    return found[group] if group is not None and option is not None else found
