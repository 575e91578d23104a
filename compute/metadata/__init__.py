"""The metadata service as guests see it: OpenStack's tree and EC2's."""
