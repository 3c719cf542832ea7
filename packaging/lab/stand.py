# SPDX-License-Identifier: BSD-2-Clause
"""Postfix -> Postern -> Postfix -> sink, wired in one folder."""

import os
import pwd
from dataclasses import dataclass, field
from typing import Optional, Union

from . import ports
from .clamd import Clamd
from .daemon import USER, Postern, Settings, quoted
from .postfix import Filter, Options, Postfix
from .redis import Redis
from .rspamd import Rspamd
from .sink import Sink


@dataclass
class Wiring:
    protocol: str = "lmtp"          # between Postfix and Postern: lmtp (UNIX socket) or smtp
    port_in: int = 0
    port_reinject: int = 0
    port_filter: int = 0            # smtp only
    port_http: int = 0              # is_told only
    recipient_limit: int = 1000
    main: dict[str, str] = field(default_factory=dict)  # Postfix's main.cf
    reinject: dict[str, str] = field(default_factory=dict)  # of its smtpd behind the filter
    settings: Settings = field(default_factory=Settings)
    has_scanners: bool = False      # a clamd and an rspamd of its own, and filters that ask them
    is_told: bool = False           # a Redis of its own; Postfix's log is followed; /metrics


class Stand:
    """Started left to right of the mail's way, reversed: whoever is asked is there already."""

    def __init__(self, folder: str, build: str, tree: str, wiring: Wiring):
        self.folder = folder
        self.wiring = wiring
        self.sink = Sink()
        self.postfix = self._make_postfix(tree)
        self.scanners = self._make_scanners() if wiring.has_scanners else []
        self.redis = Redis(os.path.join(folder, "redis")) if wiring.is_told else None
        self.port_http = ports.take(wiring.port_http) if wiring.is_told else 0
        self.postern = self._make_postern(build)

    def _make_postfix(self, tree: str) -> Postfix:
        wiring = self.wiring
        content_filter = Filter(recipient_limit=wiring.recipient_limit)
        if wiring.protocol == "smtp":
            wiring.port_filter = ports.take(wiring.port_filter)
            content_filter.protocol = "smtp"
            content_filter.nexthop = f"[127.0.0.1]:{wiring.port_filter}"
        options = Options(port_in=wiring.port_in, port_reinject=wiring.port_reinject,
                          port_final=self.sink.port, content_filter=content_filter,
                          main=wiring.main, reinject=wiring.reinject)
        return Postfix(tree, os.path.join(self.folder, "postfix"), options)

    def _make_scanners(self) -> list[Union[Clamd, Rspamd]]:
        clamd = Clamd(os.path.join(self.folder, "clamd"))
        rspamd = Rspamd(os.path.join(self.folder, "rspamd"))
        filters = self.wiring.settings.filters
        filters["clamav"] = f'type = clamd  servers = {{"{clamd.unix}"}}'
        filters["rspamd"] = f'type = rspamd  servers = {{"{rspamd.inet}"}}'
        return [clamd, rspamd]

    def _make_postern(self, build: str) -> Postern:
        settings = self.wiring.settings
        if self.wiring.protocol == "smtp":
            settings.listeners[f"inet:127.0.0.1:{self.wiring.port_filter}"] = "protocol = smtp"
        else:
            path = os.path.join(self.postfix.queue, "postern", "lmtp.sock")
            settings.listeners["unix:" + path] = 'protocol = lmtp  mode = "0666"'
        settings.hops[f"inet:127.0.0.1:{self.postfix.port_reinject}"] = 'name = "reinject"'
        if self.redis is not None:
            settings.track.setdefault("postfix_log", quoted(self.postfix.log))
            settings.redis.setdefault("servers", f'{{"{self.redis.inet}"}}')
            settings.https.setdefault(f"inet:127.0.0.1:{self.port_http}", "")
        return Postern(build, os.path.join(self.folder, "postern"), settings)

    def start(self, verbose: bool = True) -> "Stand":
        self.sink.start()
        for scanner in self.scanners:
            scanner.start()
        if self.redis is not None:
            self.redis.start()
        self.postfix.start()
        sockets = os.path.join(self.postfix.queue, "postern")
        os.makedirs(sockets, exist_ok=True)
        os.chown(sockets, pwd.getpwnam(USER).pw_uid, -1)
        self.postern.start(verbose=verbose)
        return self

    def stop(self) -> Optional[int]:
        """Postern's exit code."""
        code = self.postern.stop()
        self.postfix.stop()
        for scanner in self.scanners:
            scanner.stop()
        if self.redis is not None:
            self.redis.stop()
        self.sink.stop()
        return code
