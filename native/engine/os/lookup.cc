#include "engine/os/lookup.h"

#ifndef _WIN32
#include <netdb.h>
#endif

#include <cerrno>
#include <memory>

#include "engine/os/error_names.h"

namespace vws::os {

namespace {

struct Name {
  int number;
  const char* name;
};

#ifdef EAI_SYSTEM
constexpr int kSystemError = EAI_SYSTEM;
#else
constexpr int kSystemError = -1;
#endif

constexpr Name kNames[] = {
    {EAI_NONAME, "ENOTFOUND"},
#ifdef EAI_NODATA
    {EAI_NODATA, "ENOTFOUND"},
#endif
#ifdef EAI_ADDRFAMILY
    {EAI_ADDRFAMILY, "EAI_ADDRFAMILY"},
#endif
#ifdef EAI_OVERFLOW
    {EAI_OVERFLOW, "EAI_OVERFLOW"},
#endif
    {EAI_AGAIN, "EAI_AGAIN"},
    {EAI_BADFLAGS, "EAI_BADFLAGS"},
    {EAI_FAIL, "EAI_FAIL"},
    {EAI_FAMILY, "EAI_FAMILY"},
    {EAI_MEMORY, "EAI_MEMORY"},
    {EAI_SERVICE, "EAI_SERVICE"},
    {EAI_SOCKTYPE, "EAI_SOCKTYPE"},
};

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

const int kLookupNotFound = EAI_NONAME;
const int kLookupSystemError = kSystemError;
#ifdef EAI_ADDRFAMILY
const int kLookupAddressFamily = EAI_ADDRFAMILY;
#else
const int kLookupAddressFamily = EAI_FAMILY;
#endif

LookupStatus look_up(const std::string& host, int family,
                     const std::function<void(const sockaddr*, socklen_t)>& each) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  // As Node does: without a choice, only what the machine has addresses for is asked for.
  if (family == AF_UNSPEC) hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  errno = 0;
  LookupStatus status;
  status.gai_code = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  status.system_errno = status.gai_code == kSystemError ? errno : 0;
  // Where it cannot open the files it looks in, it says that the name does not exist.
  if (status.gai_code != 0 && (errno == EMFILE || errno == ENFILE)) {
    status.gai_code = kSystemError;
    status.system_errno = errno;
  }
  if (status.gai_code != 0) return status;
  const std::unique_ptr<addrinfo, FreeAddresses> owned(list);
  for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    each(entry->ai_addr, static_cast<socklen_t>(entry->ai_addrlen));
  }
  return status;
}

bool is_wrong_family(int gai_code) {
  return gai_code == EAI_FAMILY || gai_code == kLookupAddressFamily;
}

std::string lookup_error_name(const LookupStatus& status) {
  if (status.gai_code == kSystemError) return errno_name(status.system_errno);
  for (const Name& known : kNames) {
    if (known.number == status.gai_code) return known.name;
  }
  return "EAI " + std::to_string(status.gai_code);
}

std::string lookup_error_text(const LookupStatus& status) {
  if (status.gai_code == kSystemError) return errno_text(status.system_errno);
  return gai_strerror(status.gai_code);
}

}  // namespace vws::os
