"""How the flows of volumes and snapshots are played, and what must be true of them (tests/flows/registry.py)."""

from collections.abc import Callable

from compute.servers.block_devices import BlockDevice
from operations.models import Operation
from tests.compute.flows import Servers
from tests.flows.registry import Scenario, Stage, begun, register
from tests.simulated import Cloud
from tests.volumes.parts import Volumes, host_with_backends, told
from volumes.attachments.models import Attachment
from volumes.backends.models import Backend
from volumes.snapshots.models import Snapshot
from volumes.volumes.models import Volume

#: Statuses in which something is under way.
BUSY = ("creating", "reserved", "attaching", "detaching", "extending", "reverting", "uploading", "deleting")


class OfVolumes(Stage):
    """Project red with a backend on one host; a volume is its subject."""

    def __init__(self, cloud: Cloud, token: Callable[..., str]) -> None:
        super().__init__(cloud, token)
        host_with_backends(cloud)
        self.red = Volumes(HTTP_X_AUTH_TOKEN=token("red"), HTTP_OPENSTACK_API_VERSION="volume 3.71")

    def make(self) -> str:
        id = self.red.create()
        self.cloud.settle()
        return id

    def remove(self, id: str) -> None:
        for snapshot in Snapshot.objects.filter(volume_id=id):
            self.red.ok("delete", f"snapshots/{snapshot.id}", status=202)
            self.cloud.settle()
        if Volume.objects.filter(id=id).exists():
            self.red.ok("delete", f"volumes/{id}", status=202)
            self.cloud.settle()
        assert not Volume.objects.filter(id=id).exists()
        assert id not in self.cloud.agent("host1").backends["fake"].read_volumes()

    def check_rests(self, id: str, state: str) -> None:
        found = Volume.objects.filter(id=id).values_list("status", "fault_code").first()
        assert found == ((state, "") if state else None)

    def check_failed(self, id: str, operation: Operation) -> None:
        assert "made the step" in Volume.objects.get(id=id).fault_message

    def check_parked(self, id: str, operation: Operation) -> None:
        assert "made the step" in Volume.objects.get(id=id).fault_message

    def check_waits_for_nothing(self, id: str) -> None:
        assert not Volume.objects.filter(id=id, status__in=BUSY).exists()


class OfSnapshots(OfVolumes):
    """A snapshot of the volume `volume` is the subject."""

    volume = ""

    def make(self) -> str:
        self.volume = super().make()
        return self.volume

    def snapshot(self) -> str:
        """Begin to make a snapshot; give its id."""
        return self.red.snapshot(self.volume)

    def drop(self) -> str:
        """Begin to delete the snapshot; give its id."""
        id = str(Snapshot.objects.get().id)
        self.red.ok("delete", f"snapshots/{id}", status=202)
        return id

    def remove(self, id: str) -> None:
        super().remove(self.volume)
        assert not Snapshot.objects.filter(id=id).exists()

    def check_rests(self, id: str, state: str) -> None:
        found = Snapshot.objects.filter(id=id).values_list("status", "fault_code").first()
        assert found == ((state, "") if state else None)
        super().check_rests(self.volume, "available")

    def check_failed(self, id: str, operation: Operation) -> None:
        assert "made the step" in Snapshot.objects.get(id=id).fault_message

    def check_parked(self, id: str, operation: Operation) -> None:
        assert "made the step" in Snapshot.objects.get(id=id).fault_message

    def check_waits_for_nothing(self, id: str) -> None:
        assert not Snapshot.objects.filter(id=id, status__in=BUSY).exists()
        super().check_waits_for_nothing(self.volume)


class OfServersWithVolumes(Servers):
    """A server and a free volume beside it, `volume`."""

    volume = ""

    def __init__(self, cloud: Cloud, token: Callable[..., str]) -> None:
        super().__init__(cloud, token)
        told(cloud, "host1")
        self.cinder = Volumes(HTTP_X_AUTH_TOKEN=token("red"), HTTP_OPENSTACK_API_VERSION="volume 3.71")

    def make(self) -> str:
        self.volume = self.cinder.create()
        return super().make()

    def attach(self, id: str) -> None:
        body = {"volumeAttachment": {"volumeId": self.volume}}
        self.red.ok("post", f"servers/{id}/os-volume_attachments", body)

    def detach(self, id: str) -> None:
        self.red.ok("delete", f"servers/{id}/os-volume_attachments/{self.volume}", status=202)

    def remove(self, id: str) -> None:
        super().remove(id)
        assert Volume.objects.get(id=self.volume).status == "available"

    def check_waits_for_nothing(self, id: str) -> None:
        super().check_waits_for_nothing(id)
        assert Volume.objects.get(id=self.volume).status in ("available", "in-use")


class OfFarVolumes(OfServersWithVolumes):
    """The same with the volume on another host, which gives it out to the server's."""

    def __init__(self, cloud: Cloud, token: Callable[..., str]) -> None:
        super().__init__(cloud, token)
        cloud.host("host2", underlay_ip="10.0.0.2", enabled=False)  # for volumes alone
        told(cloud, "host2")
        Backend.objects.filter(host="host1").update(enabled=False)

    def remove(self, id: str) -> None:
        super().remove(id)
        assert self.cloud.agent("host2").exports.volumes() == []


class OfBootsFromFarVolumes(OfFarVolumes):
    """A bootable volume on another host; a server boots from it, and has a second one that is made for it."""

    def begin(self) -> str:
        self.volume = self.cinder.create(imageRef=self.image.id)
        self.cloud.settle()
        mappings = [
            {"source_type": "volume", "destination_type": "volume", "uuid": self.volume, "boot_index": 0},
            {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "delete_on_termination": True},
        ]
        asked = {"server": {"name": "one", "flavorRef": "tiny", "block_device_mapping_v2": mappings}}
        return str(self.red.ok("post", "servers", asked, status=202)["server"]["id"])

    def remove(self, id: str) -> None:
        super().remove(id)
        assert not Volume.objects.filter(image_id=None).exists(), "what was made for it goes with it"


class OfFreedVolumes(OfFarVolumes):
    """The volume is the subject."""

    server = ""

    def make(self) -> str:
        self.server = super().make()
        self.attach(self.server)
        self.cloud.settle()
        return self.volume

    def remove(self, id: str) -> None:
        super().remove(self.server)

    def check_rests(self, id: str, state: str) -> None:
        found = Volume.objects.filter(id=id).values_list("status", "fault_code").first()
        assert found == (state, "")

    def check_parked(self, id: str, operation: Operation) -> None:
        assert "made the step" in Volume.objects.get(id=id).fault_message

    def check_waits_for_nothing(self, id: str) -> None:
        super().check_waits_for_nothing(self.server)


def check_attachments(cloud: Cloud) -> None:
    """No volume is in use by nobody, nor free while a server has it; both sides name the same attachments."""
    held = set(Attachment.objects.values_list("id", "volume_id"))
    assert held == set(BlockDevice.objects.exclude(attachment_id="").values_list("attachment_id", "volume_id"))
    assert {id for _attachment, id in held} == set(Volume.objects.filter(status="in-use").values_list("id", flat=True))


register(
    stage=OfVolumes,
    scenarios={
        "volume.create": Scenario((), lambda stage, id: stage.red.create(), "available"),
        "volume.delete": Scenario((begun,), lambda stage, id: stage.red.ok("delete", f"volumes/{id}", status=202), ""),
        "volume.extend": Scenario(
            (begun,),
            lambda stage, id: stage.red.ok("post", f"volumes/{id}/action", {"os-extend": {"new_size": 2}}, status=202),
            "available",
        ),
        "volume.revert": Scenario(
            (begun, lambda stage, id: stage.red.snapshot(id) and None),
            lambda stage, id: stage.red.ok(
                "post",
                f"volumes/{id}/action",
                {"revert": {"snapshot_id": Snapshot.objects.get(volume_id=id).id}},
                status=202,
            ),
            "available",
        ),
        "volume.upload": Scenario(
            (begun,),
            lambda stage, id: (
                stage.red.ok(
                    "post", f"volumes/{id}/action", {"os-volume_upload_image": {"image_name": "i"}}, status=202
                )
                and None
            ),
            "available",
        ),
    },
    whole=check_attachments,
)
register(
    stage=OfSnapshots,
    scenarios={
        "volume_snapshot.create": Scenario((begun,), lambda stage, id: stage.snapshot(), "available"),
        "volume_snapshot.delete": Scenario(
            (begun, lambda stage, id: stage.snapshot() and None),
            lambda stage, id: stage.drop(),
            "",
        ),
    },
)
register(
    stage=OfFarVolumes,
    scenarios={
        "server.attach_volume:far": Scenario(
            (begun,), lambda stage, id: stage.attach(id), "active", flow="server.attach_volume"
        ),
        "server.detach_volume:far": Scenario(
            (begun, lambda stage, id: stage.attach(id)), lambda stage, id: stage.detach(id), "active",
            flow="server.detach_volume",
        ),
    },
)  # fmt: skip
register(
    stage=OfBootsFromFarVolumes,
    scenarios={"server.boot_with_volumes": Scenario((), lambda stage, id: stage.begin(), "active")},
)
register(
    stage=OfFreedVolumes,
    scenarios={"volume.unexport": Scenario((begun,), lambda stage, id: stage.detach(stage.server), "available")},
)
register(
    stage=OfServersWithVolumes,
    scenarios={
        "server.attach_volume": Scenario((begun,), lambda stage, id: stage.attach(id), "active"),
        "server.detach_volume": Scenario(
            (begun, lambda stage, id: stage.attach(id)), lambda stage, id: stage.detach(id), "active"
        ),
    },
)
