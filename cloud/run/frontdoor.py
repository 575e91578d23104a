"""The front door's configuration: haproxy, one port, in the machine's namespace and in STACKLING_NETNS.

/ws/ → sockets · /console/ → consoles · /internal/ → nobody · an image in chunks → web, by cloud/uploads.py · all else → web.
What clients must not be able to claim (forwarded addresses, the raw target) is stripped here and set anew.
"""

from cloud.run.settings import Cloud

#: Bodies above this are refused here, except where bytes are meant to be large (images). Those between the services'
#: own limit (2 MiB) and this one are read away by `openstackapi.bodies`, so that no reset overtakes the answer.
BODY_LIMIT = 16 * 1024 * 1024

_TEMPLATE = """\
# Written by `make run`; changes here are lost.
global
    log stderr format raw daemon notice
    maxconn 4000
    nbthread 1
    hard-stop-after 10s
    tune.http.maxhdr 128
{user}

defaults
    mode http
    log global
    option dontlognull
    option http-keep-alive
    option redispatch
    retries 3
    retry-on conn-failure
    timeout connect 3s
    timeout client 75s
    timeout server 180s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout tunnel 12h
    timeout client-fin 10s
    {error_502}
    {error_503}
    {error_504}

frontend door
{binds}
    # What a client may not claim.
    http-request del-header ^x-forwarded- -m reg
    http-request del-header forwarded
    http-request del-header x-real-ip
    http-request del-header x-raw-target
    http-request del-header ^x-stackling- -m reg
    http-request del-header proxy
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto {scheme}
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Raw-Target %[pathq]
    # The catalog names a service without a slash at its end; its routes begin after one.
    http-request set-path %[path]/ if {{ path_reg ^/api/[a-z]+$ }}

    acl internal path,url_dec -m reg -i ^/+internal(/|$)
    acl sockets path_beg /ws/
    acl consoles path_beg /console/
    acl large path_beg /api/image/ /images/
    acl upload method POST PUT PATCH COPY
    http-request return status 404 content-type application/json string '{not_found}' if internal
    http-request return status 413 content-type application/json string '{too_large}' if upload !large {{ req.hdr_val(content-length) gt {limit} }}
    # A body that trickles in holds no thread of web: small ones are read here first, within 10 s.
    http-request wait-for-body time 10s at-least 16k if upload !large
    use_backend sockets if sockets
    use_backend consoles if consoles
    use_backend uploads if upload {{ path_beg /api/image/ }} {{ req.hdr(transfer-encoding) -m found }}
    default_backend web

backend web
    server web unix@{run}/web.sock maxconn 256

backend uploads
    server uploads unix@{run}/uploads.sock maxconn 32

backend sockets
    server sockets unix@{run}/sockets.sock

backend consoles
    server consoles unix@{run}/consoles.sock
"""


def _error(status: int, title: str, text: str) -> str:
    body = f'{{"error": {{"code": {status}, "title": "{title}", "message": "{text}"}}}}'
    return f"http-error status {status} content-type application/json string '{body}' hdr Retry-After 2"


def _binds(cloud: Cloud) -> str:
    tls = f" ssl crt {cloud.tls_pem} alpn http/1.1" if cloud.tls_pem else ""
    lines = [f"    bind {cloud.listen}:{cloud.port}{tls}"]
    if cloud.netns:
        # Inside, the external gateway's own address answers too, so that guests and testers there reach the APIs.
        lines.append(f"    bind 127.0.0.1:{cloud.port} namespace {cloud.netns}{tls}")
        if cloud.listen not in ("127.0.0.1", "localhost"):
            lines[-1] = f"    bind {cloud.listen}:{cloud.port} namespace {cloud.netns}{tls}"
    return "\n".join(lines)


def config(cloud: Cloud, *, user: str = "", group: str = "") -> str:
    """haproxy's configuration. `user` and `group`: whom it becomes after binding, when it is started as root."""
    return _TEMPLATE.format(
        user=f"    user {user}\n    group {group}" if user else "",
        binds=_binds(cloud),
        scheme="https" if cloud.tls_pem else "http",
        run=cloud.run,
        limit=BODY_LIMIT,
        error_502=_error(502, "Bad Gateway", "This part of the cloud ended while it answered. Try again in 2 s."),
        error_503=_error(503, "Service Unavailable", "This part of the cloud is starting or away. Try again in 2 s."),
        error_504=_error(504, "Gateway Timeout", "No answer came within 180 s. Try again."),
        not_found='{"error": {"code": 404, "title": "Not Found", "message": "Nothing is here."}}',
        too_large=f'{{"error": {{"code": 413, "title": "Request Entity Too Large", "message": "At most {BODY_LIMIT} bytes are taken here."}}}}',
    )
