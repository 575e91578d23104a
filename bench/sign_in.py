"""A password token in this process, against the bare verify of the same hash."""

import io
import sys
import time


def main(address: str, body: str) -> None:
    """Print the best CPU milliseconds of POST /v3/auth/tokens and of Argon2's verify, measured in turns."""
    from django.contrib.auth.hashers import check_password, make_password

    from cloud.wsgi import application

    hashed = make_password("x")
    ours, bare = 9e9, 9e9
    for _ in range(25):
        told: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/api/identity/v3/auth/tokens", "QUERY_STRING": "", "HTTP_HOST": address,
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body.encode()), "wsgi.errors": sys.stderr,
        }  # fmt: skip
        began = time.process_time()
        b"".join(application(environ, lambda status, headers, told=told: told.append(status)))
        between = time.process_time()
        check_password("x", hashed)
        ours, bare = min(ours, between - began), min(bare, time.process_time() - between)
        assert told[0].startswith("201"), told
    print(ours * 1000, bare * 1000)
