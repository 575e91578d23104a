"""The contract between control and host agents: verbs, reports, and their bodies.

Both sides import this package, envelope.py and broker.py, and nothing else of each other. `VERBS` is the one table of what
control may ask of an agent by a cast: a row says its body, its answer, its failures and how it is served (verb.py); agent, tasks and control
read the same row, and nobody writes a verb's name again. The rows stand by domain: server.py, disk.py, network.py, host.py,
setaside.py, volume.py. Kinds of reports are in reports.py, what is measured in samples.py. How casts and reports are wrapped, signed, encrypted and counted is in messages.py.

What changes here meets agents of other versions: a name, a body and a version stay readable; accept, then send, then
require (docs/decisions/0043, 0113).
"""

from hostagent.contract import disk, host, network, server, setaside, volume
from hostagent.contract.verb import VERBS, Verb

__all__ = ["VERBS", "Verb", "disk", "host", "network", "server", "setaside", "volume"]
