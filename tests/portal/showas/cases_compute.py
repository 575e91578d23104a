"""Key pairs, server groups, flavors, aggregates, compute services, quotas."""

from tests.portal.showas.running import CLI, Ask
from tests.portal.showas.work import Case, Steps, Work, collector, deleted, listed
from tests.rest import COMPUTE, IDENTITY, NETWORK, VOLUME

CASES: list[Case] = []
case = collector(CASES)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlHcLUWPUF+bHmUdoVWKMn6wq4aFWx1GRZS6hXlLxQ2 it's mine"


def keypair(work: Work) -> str:
    return work.make(f"{COMPUTE}/os-keypairs", "keypair", {"name": work.name, "public_key": KEY})


def group(work: Work) -> str:
    return work.make(f"{COMPUTE}/os-server-groups", "server_group", {"name": work.name, "policy": "affinity"})


def flavor(work: Work, **more: object) -> str:
    body = {"name": work.name, "vcpus": 1, "ram": 128, "disk": 1, **more}
    return work.make(f"{COMPUTE}/flavors", "flavor", body)


def aggregate(work: Work) -> str:
    return work.make(f"{COMPUTE}/os-aggregates", "aggregate", {"name": work.name})


def project(work: Work) -> str:
    return work.make(f"{IDENTITY}/projects", "project", {"name": work.name}, work.admin)


@case("keypair.create")
def import_a_key(work: Work) -> Steps:
    yield Ask("/key-pairs/-/create", ("keypair.create",), {"name": work.name, "type": "ssh", "public_key": KEY})
    work.goes(f"{COMPUTE}/os-keypairs/{work.name}")
    row = work.get(f"{COMPUTE}/os-keypairs/{work.name}", "keypair")
    assert row["public_key"] == KEY
    return {name: value for name, value in row.items() if name != "id"}


deleted(CASES, "keypair.delete", "/key-pairs/{id}/delete", COMPUTE + "/os-keypairs/{id}", keypair)
listed(CASES, "keypair.list", "/key-pairs", keypair)


@case("server group.create")
def make_a_server_group(work: Work) -> Steps:
    typed = {"name": work.name, "policy": "anti-affinity", "most": 2}
    yield Ask("/server-groups/create", ("server group.create",), typed)
    row = work.named(f"{COMPUTE}/os-server-groups", "server_groups")
    assert (row["policy"], row["rules"]) == ("anti-affinity", {"max_server_per_host": 2})
    return row


deleted(CASES, "server group.delete", "/server-groups/{id}/delete", COMPUTE + "/os-server-groups/{id}", group)
listed(CASES, "server group.list", "/server-groups", group)


@case("flavor.create", "flavor.add-access", account="admin")
def make_a_flavor(work: Work) -> Steps:
    typed = {
        "name": work.name, "id": f"{work.name}-id", "description": "it's small", "vcpus": 2, "ram": 256, "disk": 2, "ephemeral": 1,
        "swap": 64, "rxtx_factor": "1.5", "is_public": False, "projects": [work.project],
    }  # fmt: skip
    yield Ask("/flavors/-/create", ("flavor.create", "flavor.add-access"), typed)
    row = work.named(f"{COMPUTE}/flavors/detail?is_public=None", "flavors")
    assert (row["id"], row["vcpus"], row["ram"], row["swap"], row["description"]) == (
        f"{work.name}-id",
        2,
        256,
        64,
        "it's small",
    )
    rows = work.get(f"{COMPUTE}/flavors/{row['id']}/os-flavor-access", "flavor_access")
    assert [one["tenant_id"] for one in rows] == [work.project]
    return row


@case("flavor.update", account="admin")
def describe_a_flavor(work: Work) -> Steps:
    id = flavor(work)
    yield Ask(f"/flavors/{id}/edit", ("flavor.update",), {"description": "new words"})
    row = work.get(f"{COMPUTE}/flavors/{id}", "flavor")
    assert row["description"] == "new words"
    yield Ask(f"/flavors/{id}/edit", ("flavor.update",), {"description": ""}, lacks=(CLI,))
    assert not work.get(f"{COMPUTE}/flavors/{id}", "flavor")["description"]
    return row


@case("flavor.add-access", "flavor.drop-access", account="admin")
def choose_who_has_a_flavor(work: Work) -> Steps:
    id, first, second = flavor(work, **{"os-flavor-access:is_public": False}), work.project, project(work)
    yield Ask(f"/flavors/{id}/access", ("flavor.add-access",), {"projects": [first]})
    yield Ask(f"/flavors/{id}/access", ("flavor.add-access", "flavor.drop-access"), {"projects": [second]})
    rows = work.get(f"{COMPUTE}/flavors/{id}/os-flavor-access", "flavor_access")
    assert [one["tenant_id"] for one in rows] == [second]
    return True


@case("flavor.set-specs", "flavor.drop-spec", account="admin")
def set_extra_specs(work: Work) -> Steps:
    id = flavor(work)
    work.rest.ok("POST", f"{COMPUTE}/flavors/{id}/os-extra_specs", {"extra_specs": {"a": "1", "b": "2"}})
    typed = {"extra_specs": "b=2\nc=it's 3"}
    yield Ask(f"/flavors/{id}/metadata", ("flavor.set-specs", "flavor.drop-spec"), typed)
    found = work.get(f"{COMPUTE}/flavors/{id}/os-extra_specs", "extra_specs")
    assert found == {"b": "2", "c": "it's 3"}
    return found


deleted(CASES, "flavor.delete", "/flavors/{id}/delete", COMPUTE + "/flavors/{id}", flavor, "admin")
listed(CASES, "flavor.list", "/flavors", flavor, "admin")


@case("aggregate.create", "aggregate.add-host", account="admin")
def make_an_aggregate(work: Work) -> Steps:
    yield Ask(
        "/aggregates/create",
        ("aggregate.create", "aggregate.add-host"),
        {"name": work.name, "zone": "", "hosts": ["fake1"]},
    )
    row = work.named(f"{COMPUTE}/os-aggregates", "aggregates")
    assert row["hosts"] == ["fake1"]
    work.rest.ok("POST", f"{COMPUTE}/os-aggregates/{row['id']}/action", {"remove_host": {"host": "fake1"}})
    return {name: value for name, value in row.items() if name != "id"}


@case("aggregate.create", "aggregate.update", account="admin")
def give_an_aggregate_a_zone(work: Work) -> Steps:
    yield Ask("/aggregates/create", ("aggregate.create",), {"name": work.name, "zone": "zone-one"})
    row = work.named(f"{COMPUTE}/os-aggregates", "aggregates")
    assert row["availability_zone"] == "zone-one"
    yield Ask(f"/aggregates/{row['id']}/edit", ("aggregate.update",), {"zone": "zone-two", "name": f"{work.name}-b"})
    row = work.get(f"{COMPUTE}/os-aggregates/{row['id']}", "aggregate")
    assert (row["name"], row["availability_zone"]) == (f"{work.name}-b", "zone-two")
    return {name: value for name, value in row.items() if name != "id"}


@case("aggregate.add-host", "aggregate.remove-host", account="admin")
def choose_the_hosts_of_an_aggregate(work: Work) -> Steps:
    id = aggregate(work)
    path = f"{COMPUTE}/os-aggregates/{id}"
    work.rest.ok("POST", f"{path}/action", {"add_host": {"host": "fake1"}})
    yield Ask(f"/aggregates/{id}/hosts", ("aggregate.add-host", "aggregate.remove-host"), {"hosts": ["fake2"]})
    found = work.get(path, "aggregate")["hosts"]
    assert found == ["fake2"]
    work.rest.ok("POST", f"{path}/action", {"remove_host": {"host": "fake2"}})
    return found


@case("aggregate.set-metadata", "aggregate.drop-metadata", account="admin")
def set_the_metadata_of_an_aggregate(work: Work) -> Steps:
    id = aggregate(work)
    path = f"{COMPUTE}/os-aggregates/{id}"
    work.rest.ok("POST", f"{path}/action", {"set_metadata": {"metadata": {"a": "1", "b": "2"}}})
    typed = {"metadata": "b=2\nc=it's 3"}
    yield Ask(f"/aggregates/{id}/metadata", ("aggregate.set-metadata", "aggregate.drop-metadata"), typed)
    found = work.get(path, "aggregate")["metadata"]
    assert found == {"b": "2", "c": "it's 3"}
    return found


deleted(CASES, "aggregate.delete", "/aggregates/{id}/delete", COMPUTE + "/os-aggregates/{id}", aggregate, "admin")
listed(CASES, "aggregate.list", "/aggregates", lambda work: aggregate(work) and work.name, "admin")


@case("service.disable", "service.enable", account="admin")
def take_a_host_out_and_back(work: Work) -> Steps:
    def shown() -> tuple[str, str]:
        rows = work.get(f"{COMPUTE}/os-services?host=fake3", "services")
        return next((row["status"], row["disabled_reason"]) for row in rows if row["binary"] == "nova-compute")

    rows = work.get(f"{COMPUTE}/os-services?host=fake3", "services")
    id = next(row["id"] for row in rows if row["binary"] == "nova-compute")
    try:
        yield Ask("/hosts/fake3/disable", ("service.disable",), {"reason": "it's cleaned"})
        assert shown() == ("disabled", "it's cleaned")
    finally:
        work.rest.ok("PUT", f"{COMPUTE}/os-services/{id}", {"status": "disabled"})
    yield Ask("/hosts/fake3/enable", ("service.enable",))
    assert shown()[0] == "enabled"
    return True


listed(
    CASES,
    "service list",
    "/services",
    lambda work: str(work.get(f"{IDENTITY}/services", "services")[0]["name"]),
    "admin",
)
listed(CASES, "service.list", "/hosts/-/compute", lambda work: "fake1", "admin")
listed(CASES, "hypervisor.list", "/hosts", lambda work: "fake1", "admin")
listed(CASES, "resource-provider.list", "/hosts/-/resource-providers", lambda work: "fake1", "admin", (CLI,))


@case("compute.quota set", "network.quota set", "volume.quota set", account="admin")
def set_the_limits_of_a_project(work: Work) -> Steps:
    id = project(work)
    typed = {
        "compute.cores": 7,
        "compute.injected_file_path_bytes": 99,
        "network.security_group_rule": 9,
        "network.floatingip": 3,
        "block-storage.volumes": 4,
        "block-storage.per_volume_gigabytes": 50,
    }
    kinds = ("compute.quota set", "network.quota set", "volume.quota set")
    yield Ask(f"/projects/{id}/quota", kinds, typed)
    compute = work.get(f"{COMPUTE}/os-quota-sets/{id}", "quota_set")
    network = work.get(f"{NETWORK}/quotas/{id}", "quota")
    volumes = work.get(f"{VOLUME}/os-quota-sets/{id}", "quota_set")
    assert (compute["cores"], network["security_group_rule"], network["floatingip"]) == (7, 9, 3)
    assert (volumes["volumes"], volumes["per_volume_gigabytes"]) == (4, 50)
    return [compute, network, volumes]


def limits_of_all(service: str, kind: str, api: str, typed: dict[str, int]) -> None:
    """Add the case of a service's default quotas."""

    def steps(work: Work) -> Steps:
        path = f"{api}/os-quota-class-sets/default"
        before = work.get(path, "quota_class_set")
        try:
            yield Ask(f"/default-quotas/{service}/edit", (kind,), typed)
            found = work.get(path, "quota_class_set")
        finally:
            work.rest.ok("PUT", path, {"quota_class_set": {name: before[name] for name in typed}})
        assert {name: found[name] for name in typed} == typed
        return found

    CASES.append(Case(f"set_the_limits_of_all {service}", (kind,), "admin", steps))


limits_of_all("compute", "compute.quota set --class", COMPUTE, {"cores": 77, "instances": 66})
limits_of_all("block-storage", "volume.quota set --class", VOLUME, {"volumes": 77, "gigabytes": 66})
