"""A whole cloud in one process and one thread: control's own code, each host's own agent with its fake drivers, and no broker.

cloud.py     the cloud: wake-ups, orders and reports on their way, and `settle()`, which lets them arrive
agents.py    one host's agent
trouble.py   doubled, reordered and lost messages; the death of control
people.py    actors and tokens of projects' members, readers and administrators

Orders and reports go their whole way: sealed, opened, held against replay, age and generation, as JSON. Time passes only
where a test says so.
"""

from tests.simulated.cloud import Cloud, make_folders, simulated
from tests.simulated.people import actor, tokens
from tests.simulated.trouble import KEY, Crash

__all__ = ["KEY", "Cloud", "Crash", "actor", "make_folders", "simulated", "tokens"]
