#pragma once

// For poller_afd.cc: AFD, the part of Windows that is below its sockets, of which no header of Windows' speaks.

#include <cstdint>
#include <vector>

#include "engine/os/windows.h"
// Those above come first.
#include <winternl.h>

namespace vws::os {

constexpr ULONG kAfdPoll = 0x00012024;  // IOCTL_AFD_POLL

constexpr ULONG kAfdReceive = 0x0001;
constexpr ULONG kAfdSend = 0x0004;
constexpr ULONG kAfdDisconnect = 0x0008;  // the peer will send nothing more
constexpr ULONG kAfdAbort = 0x0010;       // reset
constexpr ULONG kAfdLocalClose = 0x0020;
constexpr ULONG kAfdAccept = 0x0080;
constexpr ULONG kAfdConnectFail = 0x0100;

struct AfdPollInfo {
  LARGE_INTEGER timeout;
  ULONG count;
  ULONG exclusive;
  HANDLE handle;
  ULONG events;
  NTSTATUS status;
};

constexpr NTSTATUS kSuccess = 0;
constexpr NTSTATUS kPending = 0x103;
constexpr NTSTATUS kCancelled = static_cast<NTSTATUS>(0xC0000120);

// The socket below the layers that other programs may have put around it; null, with errno set, if there is none.
HANDLE base_of(int fd);

// Handles of AFD that polls go through, whose ends a completion port tells. They are no socket's, so that nobody else's
// port is in the way.
class AfdHandles {
 public:
  explicit AfdHandles(HANDLE port) : port_(port) {}
  ~AfdHandles();
  AfdHandles(const AfdHandles&) = delete;
  AfdHandles& operator=(const AfdHandles&) = delete;

  // A place for one poll; false if the system refuses another handle.
  bool take(size_t* place);
  void give(size_t place);
  HANDLE at(size_t place) const { return entries_[place].handle; }

 private:
  struct Entry {
    HANDLE handle;
    int polls;
  };
  HANDLE port_;
  std::vector<Entry> entries_;
  std::vector<size_t> with_room_;
};

}  // namespace vws::os
