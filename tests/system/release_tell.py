#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Redis stands still for a minute while mail flows as fast as it can."""

from case import main
from told import Standstill


class RedisStopped(Standstill):
    resident_max_kb = 128 * 1024
    least_ratio = 0.5

    def test_redis_stopped_for_a_minute(self) -> None:
        self.stopped_under_load(60)


if __name__ == "__main__":
    main()
