#pragma once

// class Poller: the system's way to wait for many descriptors at once, for a wake-up by another thread and for a time.
// Every system's has these members, and Windows' some more:
//
//   bool ok() const                    false if the system refused a descriptor at construction
//   bool watch(fd, interest, token, known)   interest: Readiness. known: it is thought to be watched already. The
//                                      system looks again at what is watched anew. False (with errno set) if refused
//   void unwatch(fd)
//   int wait(Batch&, timeout)          how many events there are, a few hundred at most: more wait for the next call.
//                                      timeout: milliseconds, or -1
//   bool settle(token)                 whether an event is of wake() or expire_at(), which has then been dealt with
//   void wake()                        any thread: makes wait() return, the next one if there is none
//   void expire_at(time)               backend_fd() turns readable then, as for a descriptor. An earlier time stays
//   int backend_fd() const             a descriptor that is readable while there is something to wait() for;
//                                      negative where the system has none
//   bool has_events() const            whether there is
//   void sleep() const                 until there is, or a signal comes
//   kWatchCall                         the name of the system's call, for messages
//
// Tokens from kFirstOwnToken on are its own.

#include "engine/os/readiness.h"

#if defined(__linux__)
#include "engine/os/poller_epoll.h"
#elif defined(_WIN32)
#include "engine/os/poller_afd.h"
#else
#include "engine/os/poller_kqueue.h"
#endif
