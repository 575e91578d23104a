"""The wire dialect that all OpenStack services share: fields, faults, microversions, pagination, links, views."""

from hostagent.process import memory

# Django REST framework loads at once whatever it could ever use: 10 MiB in each process, for columns of PostgreSQL, coloured
# examples and a test client that nothing here has.
with memory.without("django.contrib.postgres", "pygments", "requests"):
    import rest_framework.compat  # noqa: F401
