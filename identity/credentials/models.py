"""Rows of credentials; the blob is encrypted with the cloud's secret key."""

from django.db import models

from common.ids import new_hex
from identity.users.models import User


class Credential(models.Model):
    """`id` of an ec2 credential is the SHA-256 of its access key.

    Of a totp one: `last_step` is the 30-second step of the last passcode taken, so that none counts twice.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_hex)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="credentials")
    project_id = models.CharField(max_length=64, null=True)
    type = models.CharField(max_length=255)
    encrypted_blob = models.TextField()
    extra = models.JSONField(default=dict)
    last_step = models.BigIntegerField(default=0)
