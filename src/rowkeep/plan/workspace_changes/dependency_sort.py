"""Topological sort: each key after those that it should follow, cycles or not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush


def in_order(
    keys: Sequence[str], should: Mapping[str, Collection[str]], must: Mapping[str, str]
) -> Iterator[str]:
    """All keys, in the given order where possible.

    ``should`` has the keys that a key should follow; in a cycle, the first one is placed before one of them.
    ``must`` has the one key that a key must follow, which is never in a cycle.
    """
    places = {key: at for at, key in enumerate(keys)}
    missing = {key: len(set(should.get(key, ())) - {key}) for key in keys}
    followers: dict[str, list[str]] = {key: [] for key in keys}
    for key in keys:
        for other in set(should.get(key, ())) - {key}:
            followers[other].append(key)
    barred: dict[str, list[str]] = {key: [] for key in keys}
    for key, other in must.items():
        barred[other].append(key)
    allowed = [at for at, key in enumerate(keys) if key not in must]
    ready = [at for at in allowed if not missing[keys[at]]]
    heapify(ready)
    done: set[str] = set()
    while len(done) < len(keys):
        key = keys[heappop(ready or allowed)]
        if key in done:
            continue
        done.add(key)
        yield key
        for each in barred[key]:
            heappush(allowed, places[each])
            if not missing[each]:
                heappush(ready, places[each])
        for each in followers[key]:
            missing[each] -= 1
            if not missing[each] and must.get(each, key) in done:
                heappush(ready, places[each])
