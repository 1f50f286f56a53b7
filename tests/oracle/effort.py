"""How hard the property tests try: the same bounded examples every time, or many new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

ROUNDS = int(os.environ.get("PROPERTY_ROUNDS", "1"))
"""With ``PROPERTY_ROUNDS=20``, twenty times as many examples, and other ones each time."""


def examples(count: int) -> settings:
    """Settings of a test that draws ``count`` examples.

    Each example makes a table of its own, so that fixtures may be shared; nothing is kept on disk; and no
    example has a deadline, for machines differ.
    """
    return settings(
        max_examples=count * ROUNDS,
        deadline=None,
        derandomize=ROUNDS == 1,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
