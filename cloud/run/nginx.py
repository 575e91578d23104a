"""nginx behind the reverse proxy: takes requests whole before web sees them, keeps answers for slow readers, sends files.

Decision 0052. Two sockets: one for the reverse proxy, one for the agents of this machine. The reverse proxy
has checked and set all headers that a client may not claim; nginx believes it.
"""

from pathlib import Path

from cloud.run import answers
from cloud.run.settings import Cloud

#: Bytes that a request body may have. Each is spooled to disk from 16 KiB on, so `STREAMS` × this is what may lie there.
BODY_LIMIT = "1m"
#: Keystone's policies and Glance's metadata definitions: as much as web takes (DATA_UPLOAD_MAX_MEMORY_SIZE).
DOCUMENT_LIMIT = "2m"
#: Requests that the reverse proxy hands over at a time.
STREAMS = 2000

_TEMPLATE = """\
# Written by `make run`; changes here are lost.
daemon off;
master_process off;  # one process: a master that is killed would leave its worker behind, for ever
worker_rlimit_nofile 16384;
pid {run}/nginx/nginx.pid;
error_log stderr alert;  # what is below names whole targets, and a query may hold a ticket or a signature
events {{ worker_connections 8192; }}
http {{
    access_log off;
    server_tokens off;
    sendfile on;
    sendfile_max_chunk 512k;
    etag off;
    if_modified_since off;
    merge_slashes off;
    default_type application/json;
    types {{ }}
    client_body_temp_path "{spool}/bodies";
    proxy_temp_path "{spool}/answers";
    fastcgi_temp_path "{spool}/unused"; uwsgi_temp_path "{spool}/unused"; scgi_temp_path "{spool}/unused";

    large_client_header_buffers 4 16k;
    client_max_body_size {body_limit};
    client_body_buffer_size 16k;
    client_header_timeout 20s;
    client_body_timeout 60s;
    send_timeout 60s;
    # The answer that refuses a body is read by who still sends it: what comes after is read away.
    lingering_close always;
    lingering_time 300s;
    lingering_timeout 10s;

    proxy_http_version 1.1;
    proxy_connect_timeout 3s;
    proxy_read_timeout 180s;
    proxy_send_timeout 60s;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;
    proxy_busy_buffers_size 32k;
    proxy_max_temp_file_size 64m;
    proxy_next_upstream error;  # a kept connection that web has closed; what may have been done is not sent again
    proxy_set_header Host $http_host;
    proxy_set_header Connection "";
    proxy_set_header X-Sendfile-Type X-Accel-Redirect;

    upstream web {{ server unix:{run}/web/web.sock; keepalive 32; }}
    upstream hashing {{ server unix:{run}/hashing.sock; keepalive 8; }}
    upstream bytes {{ server unix:{run}/bytes/bytes.sock; }}
    upstream handover {{ server unix:{run}/bytes/handover.sock; }}
    upstream hostbytes {{ server unix:{run}/bytes/hostbytes.sock; }}
    upstream internal {{ server unix:{run}/bytes/internal.sock; }}

    map $request_uri $service {{
        default {others};
{services}
    }}
    map $http_accept $wants {{ default words; ~application/json json; }}
    map $service:$wants $told {{ default $service; {paged} }}
    map $told $form {{ default ""; {page} {page}; }}
{bodies}

    server {{
        listen unix:{proxy_socket};
{errors}
        location / {{ proxy_pass http://web; }}
        # A request that computes a password's hash waits its turn in the reverse proxy, whole, on no thread of web.
        location ~ ^/(sign-in.*|api/identity/v3/(auth/tokens|users(/[^/]+(/password)?)?)/?)$ {{
            proxy_pass http://$hashing;
        }}
        location ~ ^/api/(identity/v3/policies|image/v2/metadefs)(/|$) {{
            client_max_body_size {document_limit};
            proxy_pass http://web;
        }}
        location ~ ^/api/image/v2/images/[^/]+/(file|stage)$ {{
            client_max_body_size 0;
            proxy_request_buffering off;
            proxy_read_timeout 900s;  # what came is hashed, looked at and brought to the disk before the answer
            proxy_pass http://$image_bytes;
        }}
{stored}
    }}
    map $request_method $image_bytes {{ default handover; PUT bytes; }}
    map $request_method $hashing {{ default web; POST hashing; PATCH hashing; }}

    server {{
        listen unix:{agents};
{errors}
        location /internal/ {{ proxy_pass http://internal; }}
        location /internal/images/ {{
            client_max_body_size 0;
            proxy_request_buffering off;
            proxy_read_timeout 900s;
            proxy_pass http://$hostbytes;
        }}
        location / {{ return 404; }}
{stored}
    }}
    map $request_method $hostbytes {{ default internal; PUT hostbytes; }}
}}
"""

_STORED = """\
        location /stored-images/ {{
            internal;
            alias "{images}/";
            default_type application/octet-stream;
            add_header Last-Modified "";
            add_header Content-MD5 $upstream_http_content_md5;
            add_header X-Openstack-Request-Id $upstream_http_x_openstack_request_id;
            add_header X-Stackling-User $upstream_http_x_stackling_user;
            add_header X-Stackling-Project $upstream_http_x_stackling_project;
        }}"""

#: Statuses that nginx makes by itself. A socket that takes no connection is 503, one that ends without an answer 502.
_OWN = (400, 408, 413, 414, 500, 504)
#: Headers of those answers; one without a value is left out.
_OWN_HEADERS = (
    f"add_header X-Openstack-Request-Id $http_x_stackling_request_id always; add_header {answers.FORM} $form always;"
)


def proxy_socket(cloud: Cloud) -> Path:
    """Name the reverse proxy's socket. nginx lets anyone use its sockets, so they lie in a folder that others may not pass."""
    return cloud.run / "nginx" / "door.sock"


def agents(cloud: Cloud) -> Path:
    """Return the socket for the agents of this machine."""
    return cloud.run / "nginx" / "agents.sock"


def _error(status: int) -> str:
    retry = f"add_header Retry-After {answers.RETRY_AFTER} always; " if status in answers.RETRIED else ""
    return (
        f"        error_page {status} @{status};\n"
        f"        location @{status} {{ {retry}{_OWN_HEADERS} return {status} $body_{status}; }}"
    )


def _away() -> str:
    head = f"add_header Retry-After {answers.RETRY_AFTER} always; {_OWN_HEADERS}"
    return (
        "        error_page 502 503 = @away;\n"
        f'        location @away {{ {head} if ($upstream_connect_time ~ "-$") {{ return 503 $body_503; }} '
        "return 502 $body_502; }"
    )


def _body_map(status: int) -> str:
    """`$body_<status>` by the form of the service."""
    lines = []
    for service in answers.FORMS:
        text = (
            answers.body(service, status)
            .replace("'", "\\'")
            .replace(answers.REQUEST_ID, "$http_x_stackling_request_id")
        )
        lines.append(f"        {service} '{text}';")
    return f"    map $told $body_{status} {{\n" + "\n".join(lines) + "\n    }"


def config(cloud: Cloud) -> str:
    """nginx's configuration. All its paths belong to the account that it runs as."""
    return _TEMPLATE.format(
        run=cloud.run,
        proxy_socket=proxy_socket(cloud),
        agents=agents(cloud),
        spool=cloud.spool,
        body_limit=BODY_LIMIT,
        document_limit=DOCUMENT_LIMIT,
        others=answers.OTHERS,
        page=answers.PAGE,
        paged=" ".join(f"{service}:words {answers.PAGE};" for service in answers.PAGED),
        services="\n".join(f"        ~^/api/{service}([/?]|$) {service};" for service in answers.SERVICES),
        bodies="\n".join(_body_map(status) for status in (*_OWN, 502, 503)),
        errors="\n".join([*(_error(status) for status in _OWN), _away()]),
        stored=_STORED.format(images=cloud.data / "images"),
    )
