"""The reverse proxy's configuration: haproxy, one port, in the machine's namespace and in STACKLING_NETNS.

/ws/ → sockets · /console/ → consoles · /internal/ → nobody · all else → nginx (nginx.py), which takes bodies whole.
Headers that clients must not be able to claim (forwarded addresses, ids, users) are stripped here and set anew; a client
over its limits is told so at once. Decisions 0052 and 0053.
"""

from cloud.run import answers, cookies, nginx
from cloud.run.limits import WINDOW, Limits
from cloud.run.settings import Cloud

#: Uploads of images that are open at a time, refused ones counted until their senders end; 128 of them are read (bytes.py).
UPLOADS = 512
#: Requests that wait for their turn to have a password hashed.
HASHES_WAITING = 64
#: Proxies in a row whose word is taken for the address before them.
_HOPS = 3

_TEMPLATE = """\
# Written by `make run`; changes here are lost.
global
    log stderr format raw daemon notice
    stats socket {run}/haproxy.sock mode 600 level admin
    stats socket {run}/haproxy-stats.sock mode 600 level user{reader}
    maxconn 4000
    nbthread 1
    hard-stop-after 10s
    tune.http.maxhdr 128
    # Send buffer of a connection, in bytes; the kernel's own would grow to 4 MiB for a client that does not read.
    tune.sndbuf.client 212992
{user}

defaults
    mode http
    log global
    option dontlognull
    option http-keep-alive
    option redispatch
    retries 3
    retry-on conn-failure
    unique-id-format req-%[uuid()]
    timeout connect 3s
    timeout client 45s
    timeout server 190s
    timeout queue 5s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout tunnel 12h
    timeout client-fin 10s
{errors}

frontend public
{binds}
    log stdout format raw local0 info
    log-format '{log}'
    maxconn 3900
{connections}
    # Nova asks for a console's ticket by its path: the log shall not have it.
    http-request set-var(txn.path) 'path,regsub("^(.*/os-console-auth-tokens/).*$","\\1-")'
    http-request set-var(txn.service) str({others})
    http-request set-var(txn.service) path,field(3,/) if {{ path_beg /api/ }} {{ path,field(3,/) -m str {services} }}
    http-request set-var(txn.service) str({page}) if {{ var(txn.service) -m str {page_of} }} !{{ req.hdr(accept) -m sub application/json }}
    http-request set-var(txn.form) str({page}) if {{ var(txn.service) -m str {page} }}
{proxies}
    # Headers that a client may not claim.
    http-request del-header ^x-forwarded- -m reg
    http-request del-header forwarded
    http-request del-header x-real-ip
    http-request del-header x-sendfile-type
    http-request del-header ^x-stackling- -m reg
    http-request del-header proxy
    http-request set-var(txn.address) src
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[var(txn.proto)]
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header X-Stackling-Request-Id %[unique-id]
    http-request set-var(txn.rid) unique-id
    http-request set-var(txn.rid_in_body) unique-id if {{ var(txn.service) -m str {ids_in_body} }}

    acl internal path,url_dec -m reg -i ^/+internal(/|$)
    acl sockets path_beg /ws/
    acl consoles path_beg /console/
    acl tunnels path_beg /ws/ /console/
    acl bytes path_reg ^/api/image/v2/images/[^/]+/(file|stage)$
    acl upload method POST PUT PATCH COPY
    acl proves path,url_dec -m reg ^/(sign-in|api/identity/v3/auth/tokens|api/identity/v3/users/[^/]+/password|api/identity/v3/(ec2|s3)tokens)
{limits}
    # The consoles' process parses strangers' bytes: it learns no session, token or address of a page.
    http-request set-header X-Stackling-Consoles '%[req.cook({console_cookies[0]})],%[req.cook({console_cookies[1]})]' if consoles
    http-request del-header ^(cookie|authorization|x-auth-token|referer)$ -m reg if consoles
{hosts}
    http-request return status 404 content-type application/json string '{not_found}' if internal
    http-request return status 200 content-type application/json string '{{"status": "ok"}}' if {{ path /healthz }}
    # Nothing but a web socket has anything to do where bodies are read by what serves sockets and consoles.
    http-request return status 426 content-type application/json string '{no_socket}' hdr Upgrade websocket if tunnels !{{ req.hdr(upgrade) -i -m str websocket }}
    # The catalog names a service without a slash at its end; its routes begin after one.
    http-request set-path %[path]/ if {{ path_reg ^/api/[a-z-]+$ }}
    # Glance's own spelling of a part of an image; nginx cuts by Range.
    http-request set-header Range '%[req.hdr(content-range),regsub("^bytes[= ]([0-9]*-[0-9]*).*$","bytes=\\1")]' if bytes {{ method GET }} {{ req.hdr(content-range) -m found }} !{{ req.hdr(range) -m found }}
    # Nobody waits for nginx's file where a buffer of ours can wait: small bodies are read here, within 10 s.
    http-request wait-for-body time 10s at-least 16k if upload !bytes
    http-response set-var(txn.user) res.hdr(x-stackling-user)
    http-response set-var(txn.project) res.hdr(x-stackling-project)
    http-after-response set-header Content-Type '{page_type}' if {{ res.hdr({form}) -m str {page} }}
    http-after-response del-header ^x-stackling- -m reg
{hsts}
    use_backend sockets if sockets
    use_backend consoles if consoles
    use_backend uploads if bytes {{ method PUT }}
    use_backend downloads if bytes
    default_backend web

backend web
    server nginx unix@{nginx} maxconn {streams}

backend uploads
    server nginx unix@{nginx} maxconn {uploads}
    timeout server 900s

backend downloads
    server nginx unix@{nginx} maxconn {streams}

backend sockets
    server sockets unix@{run}/sockets/sockets.sock

backend consoles
    server consoles unix@{run}/consoles/consoles.sock maxconn 400

# Requests that hash a password, whole by now, sent here by nginx: they wait for their turn on no thread.
frontend hashing
    bind unix@{run}/hashing.sock mode {hashing_mode}{owner}
    maxconn {hashing_most}
    http-request set-var(txn.service) str({others})
    http-request set-var(txn.rid) req.hdr(x-stackling-request-id)
    http-request return status 429 content-type application/json lf-string '{error_429}' hdr Retry-After {retry_after} if {{ queue(hashing) ge {waiting} }}
    default_backend hashing

backend hashing
    timeout queue 20s
    server web unix@{run}/web/web.sock maxconn {hashes}

backend addresses
    stick-table type ipv6 size 100k expire 60s store conn_cur,http_req_rate({window}s)

backend authentications
    stick-table type ipv6 size 100k expire 60s store http_req_rate({window}s)

backend sending
    stick-table type ipv6 size 100k expire 60s store conn_cur

backend tunnels
    stick-table type ipv6 size 100k expire 60s store conn_cur

backend links
    stick-table type ipv6 size 100k expire 60s store conn_cur
"""

#: One JSON line a request. Only the path of the target, for a query may hold a ticket or a signature; no header of the client's.
_LOG = (
    '{"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]","request_id":"%ID","method":"%HM",'
    '"path":"%[var(txn.path),json(utf8s)]","status":%ST,"ms":%Ta,"user":"%[var(txn.user),json(utf8s)]",'
    '"project":"%[var(txn.project),json(utf8s)]","address":"%[var(txn.address)]","bytes":%B,"end":"%ts"}'
)


def errors_map() -> str:
    """Return the file that holds each error's body: `<service>.<status>` and what is before and after the request's id in it."""
    lines = []
    for service in answers.FORMS:
        for status in answers.TEXTS:
            begin, _, end = answers.body(service, status).partition(answers.REQUEST_ID)
            lines += [f"{service}.{status} {begin}"] + ([f"{service}.{status}.end {end}"] if end else [])
    return "\n".join(lines) + "\n"


def _error_text(cloud: Cloud, status: int) -> str:
    """A log-format string that gives an error's body in the form of the service that was asked."""
    service, file = f"var(txn.service,{answers.OTHERS})", cloud.run / "errors.map"
    return (
        f"%[{service},concat(.{status}),map_str({file})]%[var(txn.rid_in_body)]"
        f"%[{service},concat(.{status}.end),map_str({file})]"
    )


def _head(status: int) -> str:
    retry = f" hdr Retry-After {answers.RETRY_AFTER}" if status in answers.RETRIED else ""
    return f"{retry} hdr X-Openstack-Request-Id %[var(txn.rid)] hdr {answers.FORM} %[var(txn.form)]"


def _errors(cloud: Cloud) -> str:
    kind = "content-type application/json lf-string"
    return "\n".join(
        f"    http-error status {status} {kind} '{_error_text(cloud, status)}'{_head(status)}"
        for status in (400, 408, 413, 429, 500, 502, 503, 504)
    )


def _refuse(cloud: Cloud, status: int, condition: str) -> str:
    """A denial: haproxy counts it as one, apart from what it answers otherwise (cloud/metrics/reverse_proxy.py)."""
    kind = "content-type application/json lf-string"
    return f"    http-request deny status {status} {kind} '{_error_text(cloud, status)}'{_head(status)} if {condition}"


def _limits(cloud: Cloud, limits: Limits) -> str:
    """Counting starts where the address is known and ends with the request. A limit of 0 counts and refuses nothing."""
    source = "src,ipmask(32,64)"
    lines = [
        f"    http-request track-sc0 {source} table addresses if !tunnels",
        f"    http-request track-sc1 {source} table authentications if proves upload",
        f"    http-request track-sc1 {source} table tunnels if tunnels",
        f"    http-request track-sc1 {source} table sending if bytes {{ method PUT }}",
    ]
    rules: list[tuple[int, str]] = [
        (limits.address * WINDOW, "{{ sc0_http_req_rate gt {0} }}"),
        (limits.open, "!tunnels {{ sc0_conn_cur gt {0} }}"),
        (limits.authentication * WINDOW, "proves upload {{ sc1_http_req_rate(authentications) gt {0} }}"),
        (limits.uploads, "bytes {{ method PUT }} {{ sc1_conn_cur(sending) gt {0} }}"),
        (limits.sockets, "tunnels {{ sc1_conn_cur(tunnels) gt {0} }}"),
    ]
    return "\n".join(lines + [_refuse(cloud, 429, rule.format(most)) for most, rule in rules if most])


def _connections(cloud: Cloud, limits: Limits) -> str:
    if not limits.connections:
        return ""
    unless = f" !{{ src {' '.join(cloud.trusted_proxies)} }}" if cloud.trusted_proxies else ""
    return (
        "    tcp-request connection track-sc2 src,ipmask(32,64) table links\n"
        f"    tcp-request connection reject if {{ sc2_conn_cur gt {limits.connections} }}{unless}"
    )


def _proxies(cloud: Cloud) -> str:
    """Rules for the client's address and scheme: by the trusted proxies' headers, nearest first; else by the connection."""
    lines = [f"    http-request set-var(txn.proto) str({cloud.scheme})"]
    if cloud.trusted_proxies:
        near = f"{{ src {' '.join(cloud.trusted_proxies)} }}"
        said = "{ req.hdr(x-forwarded-proto) -m str http https }"
        lines.append(f"    http-request set-var(txn.proto) req.hdr(x-forwarded-proto) if {near} {said}")
        lines += [
            f"    http-request set-src req.hdr_ip(x-forwarded-for,-{hop}) if {near} {{ req.hdr_cnt(x-forwarded-for) ge {hop} }}"
            for hop in range(1, _HOPS + 1)
        ]
    return "\n".join(lines)


def _hosts(cloud: Cloud) -> str:
    """A name that is not this cloud's is refused: nobody is led here, or from here, by a name of somebody else's."""
    if "*" in cloud.allowed_hosts:
        return ""
    exact = [name for name in cloud.allowed_hosts if not name.startswith(".")]
    ends = [name for name in cloud.allowed_hosts if name.startswith(".")]
    lines = [
        "    http-request set-var(txn.host) req.hdr(host),host_only,lower",
        "    http-request set-var(txn.dst) dst",
        f"    acl ours var(txn.host) -m str {' '.join(exact)}",
        "    acl ours var(txn.host),strcmp(txn.dst) eq 0",
    ]
    lines += [f"    acl ours var(txn.host) -m end {' '.join(ends)}"] if ends else []
    lines += [f"    acl ours var(txn.host) -m str {' '.join(name[1:] for name in ends)}"] if ends else []
    text = answers.body(
        answers.OTHERS,
        400,
        "This cloud is not known by the name in the Host header. Ask for it by its own address; its operator can add a "
        "name with STACKLING_PUBLIC_URL or STACKLING_ALLOWED_HOSTS.",
    )
    return "\n".join(
        [*lines, f"    http-request return status 400 content-type application/json string '{text}' if !ours"]
    )


def _hsts(cloud: Cloud) -> str:
    if not cloud.public_url.startswith("https://"):
        return ""
    return '    http-after-response set-header Strict-Transport-Security "max-age=31536000"'


def _binds(cloud: Cloud) -> str:
    tls = f" ssl crt {cloud.tls_pem} alpn http/1.1" if cloud.tls_pem else ""
    lines = [f"    bind {cloud.listen}:{cloud.port}{tls}"]
    if cloud.netns:
        # Inside, the external gateway's own address answers too, so that guests and testers there reach the APIs.
        lines.append(f"    bind 127.0.0.1:{cloud.port} namespace {cloud.netns}{tls}")
        if cloud.listen not in ("127.0.0.1", "localhost"):
            lines[-1] = f"    bind {cloud.listen}:{cloud.port} namespace {cloud.netns}{tls}"
    return "\n".join(lines)


def config(cloud: Cloud, *, user: str = "", group: str = "", reader: str = "") -> str:
    """haproxy's configuration. `user` and `group`: whom it becomes after binding, when it is started as root.

    `reader`: another user who asks for its counts. The group is then one for it and nginx.
    """
    limits = cloud.rate_limits
    return _TEMPLATE.format(
        user=f"    user {user}\n    group {group}" if user else "",
        owner=f" user {user} group {group}" if user else "",
        hashing_mode="660" if reader else "600",
        reader=f" user {reader or user}" if user else "",
        binds=_binds(cloud),
        run=cloud.run,
        errors=_errors(cloud),
        log=_LOG,
        connections=_connections(cloud, limits),
        others=answers.OTHERS,
        page=answers.PAGE,
        page_of=" ".join(answers.PAGED),
        ids_in_body=" ".join(answers.ids_in_body()),
        page_type=answers.PAGE_TYPE,
        form=answers.FORM,
        services=" ".join(answers.SERVICES),
        proxies=_proxies(cloud),
        limits=_limits(cloud, limits),
        hosts=_hosts(cloud),
        console_cookies=cookies.of_consoles(cloud.id),
        not_found=answers.body(answers.OTHERS, 404, "Nothing is here."),
        no_socket=answers.body(answers.OTHERS, 426, "Only web sockets are served here."),
        hsts=_hsts(cloud),
        nginx=nginx.proxy_socket(cloud),
        streams=nginx.STREAMS,
        uploads=UPLOADS,
        hashing_most=HASHES_WAITING + limits.hashes + 16,
        waiting=HASHES_WAITING,
        error_429=_error_text(cloud, 429),
        retry_after=answers.RETRY_AFTER,
        hashes=limits.hashes,
        window=WINDOW,
    )
