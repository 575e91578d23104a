"""A host's answer to "what have you?" beside the rows of volumes: what differs is found, and what is given out to nobody is closed."""

from typing import Any

from django.db import transaction

from hosts import reconciliation
from hosts.models import HostDebt
from tests.simulated import Cloud
from tests.volumes.parts import Volumes
from volumes import leftovers
from volumes.attachments import states
from volumes.attachments.models import Attachment
from volumes.volumes.models import Volume

STRAY, SERVER = "99999999-0000-4000-8000-000000000001", "99999999-0000-4000-8000-000000000002"


def told(cloud: Cloud, host: str = "host1") -> Any:
    """What a host says that it has."""
    with transaction.atomic():
        reconciliation.inspect(host, reconcile=False)
    cloud.settle()
    agent = cloud.agent(host)
    exports = {id: agent.exports.find(id) for id in agent.exports.volumes()}
    return {"volumes": {"fake": agent.backends["fake"].read_volumes()}, "exports": exports}


def found(cloud: Cloud) -> list[tuple[str, str]]:
    return [(finding.kind, finding.id) for finding in leftovers.inspect("host1", told(cloud))]


def give_out(cloud: Cloud, volume: str, attachment: str) -> None:
    wanted: Any = {"volume_id": volume, "attachment_id": attachment}
    cloud.agent("host1").exports.ensure(wanted, cloud.agent("host1").own.data, "raw")


def test_a_cloud_as_its_rows_say_has_no_findings(cloud: Cloud, red: Volumes) -> None:
    red.create()
    cloud.settle()
    assert found(cloud) == []


def test_volumes_without_rows_and_rows_without_volumes_are_found_and_stay(cloud: Cloud, red: Volumes) -> None:
    lost, stray = red.create(), red.create()
    cloud.settle()
    backend: Any = cloud.agent("host1").backends["fake"]
    backend.volumes.drop(lost)
    Volume.objects.filter(id=stray).delete()
    assert sorted(found(cloud)) == sorted([("volume", lost), ("volume", stray)])
    said = told(cloud)
    with transaction.atomic():
        leftovers.reconcile("host1", said, False)
    assert backend.read_volumes() == [stray] and Volume.objects.filter(id=lost).exists()


def test_what_is_given_out_to_nobody_is_closed(cloud: Cloud, red: Volumes) -> None:
    volume = red.create()
    cloud.settle()
    give_out(cloud, volume, STRAY)
    assert found(cloud) == [("export", volume)]
    with transaction.atomic():
        reconciliation.inspect("host1", reconcile=True)
    cloud.settle()
    (debt,) = HostDebt.objects.all()
    assert (debt.kind, debt.key) == ("export.remove", volume)
    cloud.restart("host1")
    cloud.is_patient = True
    cloud.settle()
    assert (cloud.agent("host1").exports.volumes(), HostDebt.objects.count()) == ([], 0)


def test_a_volume_that_should_be_given_out_and_is_not_is_found(cloud: Cloud, red: Volumes) -> None:
    volume = red.create()
    cloud.settle()
    Volume.objects.filter(id=volume).update(status="in-use")
    one = Attachment.objects.create(
        volume_id=volume,
        project_id="red",
        server_id=SERVER,
        host="host2",
        status=states.ATTACHED,
        encrypted_password="x",
    )
    assert found(cloud) == [("export", volume)]
    give_out(cloud, volume, one.id)
    assert found(cloud) == []
