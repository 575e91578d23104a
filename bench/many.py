"""Identity with 100,000 users and 10,000 projects against the same with a handful."""

import statistics
import time

from bench.client import Client
from bench.cloud import Running
from bench.result import at_most


def _ms(client: Client, path: str) -> float:
    times = []
    for _ in range(9):
        began = time.perf_counter()
        status, _, raw = client.call("GET", path)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200, raw[:300]
    return statistics.median(times)


def _token_ms(client: Client) -> float:
    times = []
    for _ in range(9):
        began = time.perf_counter()
        status, _, raw = client.call("POST", "/api/identity/v3/auth/tokens", client.password_body())
        times.append((time.perf_counter() - began) * 1000)
        assert status == 201, raw[:300]
    return min(times)


def users(cloud: Running) -> None:
    """A page of users and the issue of a token, with many of each within twice the time of few."""
    client = Client(cloud.data, "admin")
    page = "/api/identity/v3/users?limit=20"
    cloud.manage("shell", "-v0", "-c", FILL.format(users=30, projects=3))
    small = _ms(client, page), _token_ms(client)
    cloud.manage("shell", "-v0", "-c", FILL.format(users=100_000, projects=10_000))
    large = _ms(client, page), _token_ms(client)
    at_most("users.page", large[0] / small[0], 2, "x the small case", ms=round(large[0], 1), small=round(small[0], 1))
    at_most("users.token", large[1] / small[1], 2, "x the small case", ms=round(large[1], 1), small=round(small[1], 1))


def role_change(cloud: Running) -> None:
    """A role inherited by all projects of a domain of 10,000, given and taken away over HTTP."""
    client = Client(cloud.data, "admin")
    role = next(r["id"] for r in client.json("GET", "/api/identity/v3/roles")["roles"] if r["name"] == "reader")
    user = client.json("GET", "/api/identity/v3/users?name=demo")["users"][0]["id"]
    path = f"/api/identity/v3/OS-INHERIT/domains/default/users/{user}/roles/{role}/inherited_to_projects"
    times = []
    for method in ("PUT", "DELETE") * 7:
        began = time.perf_counter()
        status, _, raw = client.call(method, path)
        times.append((time.perf_counter() - began) * 1000)
        assert status == 204, raw[:300]
    at_most("role.change", statistics.median(times), 50, "ms", worst=round(max(times), 1))


FILL = """
from identity.models import Project, User
default = Project.objects.get(pk="default")
have = set(User.objects.filter(name__startswith="many-").values_list("name", flat=True))
User.objects.bulk_create((User(name=f"many-{{n}}", domain=default) for n in range({users}) if f"many-{{n}}" not in have),
                         batch_size=2000)
have = set(Project.objects.filter(name__startswith="many-").values_list("name", flat=True))
Project.objects.bulk_create((Project(name=f"many-{{n}}", domain=default, parent=default) for n in range({projects})
                             if f"many-{{n}}" not in have), batch_size=2000)
"""
