"""The outbox: what changed, as rows written in the transaction of the change, read in the order of their numbers.

`common.live.announce` is the one way in; a reader keeps its place by number (`places.py`), so that a restart misses none. Rows are kept
for a day. Decision 0124.
"""
