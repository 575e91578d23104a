"""The wire dialect that all OpenStack services share: fields, faults, microversions, pagination, links, views."""
