// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/intruder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { MPTCP = 262, ALGORITHMS = 38, MACHINES = 40, EXPRESS = 44 };

// --- sockets ---

static struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

static int
connect_by(int type, int protocol, uint16_t port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);

    return fd < 0 ? errno : intruder_outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int
connect_elsewhere(const struct intruder *intruder)
{
    return connect_by(SOCK_STREAM, 0, intruder->port);
}

static int
connect_by_mptcp(const struct intruder *intruder)
{
    return connect_by(SOCK_STREAM, MPTCP, intruder->port);
}

static int
connect_by_udp(const struct intruder *intruder)
{
    return connect_by(SOCK_DGRAM, 0, intruder->port);
}

static int
connect_by_v6(const struct intruder *intruder)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(intruder->port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin6_addr = in6addr_loopback;
    return fd < 0 ? errno : intruder_outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int
connect_fast(const struct intruder *intruder)
{
    struct sockaddr_in to = loopback(intruder->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno
                  : intruder_outcome(
                        sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to));
}

static int
connect_fast_by_message(const struct intruder *intruder)
{
    struct sockaddr_in to = loopback(intruder->port);
    struct iovec piece = {"x", 1};
    struct msghdr header = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &piece, .msg_iovlen = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : intruder_outcome(sendmsg(fd, &header, MSG_FASTOPEN));
}

static int
connect_lazily(const struct intruder *intruder)
{
    struct sockaddr_in to = loopback(intruder->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) != 0)
        return errno;
    return intruder_outcome(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int
connect_lair(const struct intruder *intruder)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(intruder->lair);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path + 1, intruder->lair, len);
    return fd < 0 ? errno
                  : intruder_outcome(
                        connect(fd, (struct sockaddr *)&to,
                                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)));
}

static int
listen_tcp(const struct intruder *intruder)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)intruder;
    return fd < 0 ? errno : intruder_outcome(listen(fd, 1));
}

static int
bind_tcp(const struct intruder *intruder)
{
    struct sockaddr_in at = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)intruder;
    return fd < 0 ? errno : intruder_outcome(bind(fd, (struct sockaddr *)&at, sizeof at));
}

static int
bind_local(const struct intruder *intruder)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/hold/socket", intruder->spool);
    return fd < 0 ? errno : intruder_outcome(bind(fd, (struct sockaddr *)&at, sizeof at));
}

#define OPENS(function, family, type, protocol)                                                    \
    static int function(const struct intruder *intruder)                                           \
    {                                                                                              \
        (void)intruder;                                                                            \
        return intruder_outcome(socket((family), (type) | SOCK_CLOEXEC, (protocol)));              \
    }

OPENS(open_raw, AF_INET, SOCK_RAW, IPPROTO_ICMP)
OPENS(open_ping, AF_INET, SOCK_DGRAM, IPPROTO_ICMP)
OPENS(open_packet, AF_PACKET, SOCK_RAW, 0)
OPENS(open_netlink, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
OPENS(open_netfilter, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)
OPENS(open_algorithm, ALGORITHMS, SOCK_SEQPACKET, 0)
OPENS(open_machine, MACHINES, SOCK_STREAM, 0)
OPENS(open_express, EXPRESS, SOCK_RAW, 0)
OPENS(open_sctp, AF_INET, SOCK_STREAM, IPPROTO_SCTP)

// --- processes ---

static int
signal_master(const struct intruder *intruder)
{
    return intruder_outcome(kill(intruder->master, SIGCONT));
}

static int
signal_peer(const struct intruder *intruder)
{
    return intruder_outcome(kill(intruder->peer, SIGCONT));
}

static int
signal_peer_thread(const struct intruder *intruder)
{
    return intruder_outcome(syscall(SYS_tgkill, intruder->peer, intruder->peer, SIGCONT));
}

static int
signal_peer_task(const struct intruder *intruder)
{
    return intruder_outcome(syscall(SYS_tkill, intruder->peer, SIGCONT));
}

static int
queue_signal(const struct intruder *intruder)
{
    siginfo_t info = {.si_signo = SIGCONT, .si_code = SI_QUEUE};

    return intruder_outcome(syscall(SYS_rt_sigqueueinfo, intruder->peer, SIGCONT, &info));
}

static int
signal_by_folder(const struct intruder *intruder)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d", (int)intruder->peer);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? errno : intruder_outcome(syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0));
}

static int
signal_by_owner(const struct intruder *intruder)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return errno;
    return intruder_outcome(fcntl(ends[0], F_SETOWN, intruder->peer));
}

static int
open_peer(const struct intruder *intruder)
{
    return intruder_outcome(syscall(SYS_pidfd_open, intruder->peer, 0));
}

static int
trace_peer(const struct intruder *intruder)
{
    return intruder_outcome(ptrace(PTRACE_SEIZE, intruder->peer, NULL, NULL));
}

static int
trace_master(const struct intruder *intruder)
{
    return intruder_outcome(ptrace(PTRACE_SEIZE, intruder->master, NULL, NULL));
}

static int
read_memory_of(pid_t pid)
{
    char byte;
    struct iovec piece = {&byte, 1};

    return intruder_outcome(process_vm_readv(pid, &piece, 1, &piece, 1, 0));
}

static int
read_master(const struct intruder *intruder)
{
    return read_memory_of(intruder->master);
}

static int
read_peer(const struct intruder *intruder)
{
    return read_memory_of(intruder->peer);
}

static int
write_peer(const struct intruder *intruder)
{
    char byte = 0;
    struct iovec piece = {&byte, 1};

    return intruder_outcome(process_vm_writev(intruder->peer, &piece, 1, &piece, 1, 0));
}

static int
limit_peer(const struct intruder *intruder)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    return intruder_outcome(syscall(SYS_prlimit64, intruder->peer, RLIMIT_CPU, NULL, &limit));
}

static int
slow_peer(const struct intruder *intruder)
{
    return intruder_outcome(setpriority(PRIO_PROCESS, (id_t)intruder->peer, 19));
}

static int
move_peer(const struct intruder *intruder)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return intruder_outcome(sched_setaffinity(intruder->peer, sizeof set, &set));
}

const struct attempt intruder_peers[] = {
    {BY_ALL,               "connect to another port",              connect_elsewhere      },
    {BY_ALL,               "the same, IPv6",                       connect_by_v6          },
    {BY_ALL,               "the same, MPTCP",                      connect_by_mptcp       },
    {BY_ALL,               "the same, fast open",                  connect_fast           },
    {BY_ALL,               "the same, fast open by sendmsg",       connect_fast_by_message},
    {BY_ALL,               "the same, lazily",                     connect_lazily         },
    {BY_ALL & ~BY_SCRIBE,  "UDP",                                  connect_by_udp         },
    {BY_ALL,               "connect to an abstract socket",        connect_lair           },
    {BY_ALL,               "listen",                               listen_tcp             },
    {BY_ALL,               "bind a port",                          bind_tcp               },
    {BY_ALL,               "bind a path in the spool",             bind_local             },
    {BY_ALL,               "a raw socket",                         open_raw               },
    {BY_ALL,               "a ping socket",                        open_ping              },
    {BY_ALL,               "a packet socket",                      open_packet            },
    {BY_ALL,               "a netlink socket",                     open_netlink           },
    {BY_ALL,               "the same, of netfilter",               open_netfilter         },
    {BY_ALL,               "an AF_ALG socket",                     open_algorithm         },
    {BY_ALL,               "a vsock",                              open_machine           },
    {BY_ALL,               "an XDP socket",                        open_express           },
    {BY_ALL,               "SCTP",                                 open_sctp              },
    {BY_ALL,               "signal the master",                    signal_master          },
    {BY_ALL,               "signal a peer",                        signal_peer            },
    {BY_ALL,               "the same, a thread",                   signal_peer_thread     },
    {BY_ALL,               "the same, tkill",                      signal_peer_task       },
    {BY_ALL,               "the same, with a value",               queue_signal           },
    {BY_ALL,               "the same, by its folder in /proc",     signal_by_folder       },
    {BY_ALL & ~BY_NURSERY, "the same, as a socket's owner",        signal_by_owner        },
    {BY_ALL & ~BY_NURSERY, "open a peer",                          open_peer              },
    {BY_ALL,               "trace a peer",                         trace_peer             },
    {BY_ALL,               "trace the master",                     trace_master           },
    {BY_ALL,               "read the master's memory by vm_readv", read_master            },
    {BY_ALL,               "read a peer's memory by vm_readv",     read_peer              },
    {BY_ALL,               "write a peer's memory by vm_writev",   write_peer             },
    {BY_ALL,               "limit a peer",                         limit_peer             },
    {BY_ALL,               "slow a peer down",                     slow_peer              },
    {BY_ALL,               "move a peer to a processor",           move_peer              },
};
const size_t intruder_peer_count = sizeof intruder_peers / sizeof intruder_peers[0];
