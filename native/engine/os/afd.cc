#ifdef _WIN32

#include "engine/os/afd.h"

namespace vws::os {

namespace {

// Which older headers of MinGW's are without.
#ifndef SIO_BASE_HANDLE
#define SIO_BASE_HANDLE _WSAIOR(IOC_WS2, 34)
#endif

// To cancel one poll of a handle takes the longer the more there are.
constexpr int kPollsOfHandle = 32;

HANDLE open_afd(HANDLE port) {
  wchar_t name[] = L"\\Device\\Afd\\Verawebsockets";
  UNICODE_STRING path;
  path.Buffer = name;
  path.Length = sizeof name - sizeof name[0];
  path.MaximumLength = sizeof name;
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &path, 0, nullptr, nullptr);
  IO_STATUS_BLOCK status;
  HANDLE handle = nullptr;
  if (NtCreateFile(&handle, SYNCHRONIZE, &attributes, &status, nullptr, 0,
                   FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, nullptr, 0) != kSuccess)
    return nullptr;
  // Polls are told apart by what they are begun with, not by the key.
  if (CreateIoCompletionPort(handle, port, 0, 0) &&
      SetFileCompletionNotificationModes(handle, FILE_SKIP_SET_EVENT_ON_HANDLE))
    return handle;
  CloseHandle(handle);
  return nullptr;
}

}  // namespace

HANDLE base_of(int fd) {
  SOCKET base = INVALID_SOCKET;
  DWORD size = 0;
  if (WSAIoctl(socket_of(fd), SIO_BASE_HANDLE, nullptr, 0, &base, sizeof base, &size, nullptr,
               nullptr) != 0) {
    fail_by_windows();
    return nullptr;
  }
  return reinterpret_cast<HANDLE>(base);
}

AfdHandles::~AfdHandles() {
  for (const Entry& entry : entries_) CloseHandle(entry.handle);
}

bool AfdHandles::take(size_t* place) {
  if (with_room_.empty()) {
    const HANDLE made = open_afd(port_);
    if (!made) return false;
    with_room_.push_back(entries_.size());
    entries_.push_back(Entry{made, 0});
  }
  *place = with_room_.back();
  if (++entries_[*place].polls == kPollsOfHandle) with_room_.pop_back();
  return true;
}

void AfdHandles::give(size_t place) {
  if (entries_[place].polls-- == kPollsOfHandle) with_room_.push_back(place);
}

}  // namespace vws::os

#endif
