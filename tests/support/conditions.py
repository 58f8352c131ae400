"""Waiting for a condition. No test sleeps for a fixed time."""

import time

LIMIT_S = 30.0
PAUSE_S = 0.02


def wait_until(condition, what, limit_s=LIMIT_S):
    """Returns the first true value of `condition()`; fails, saying `what` was awaited, after `limit_s`.

    The limit is generous on purpose: it tells "stuck" from "slow", and asserts nothing about speed.
    """
    give_up = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {limit_s:g} s in vain until {what}")
        time.sleep(PAUSE_S)
