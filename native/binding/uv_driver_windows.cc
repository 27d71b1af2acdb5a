#ifdef _WIN32

#include "binding/uv_driver.h"

namespace vws {

// The engine waits for its sockets on a completion port of its own, which libuv's loop cannot watch: here there is no
// driver.

struct UvDriver::Handle {};

void UvDriver::ReleaseHandle::operator()(Handle*) const {}

std::unique_ptr<UvDriver> UvDriver::create(napi_env, int, std::function<void()>,
                                           const char** problem) {
  *problem = "on Windows the engine cannot run on Node's event loop: there is no service 'loop'";
  return nullptr;
}

UvDriver::~UvDriver() = default;

void UvDriver::watch(bool) {}

bool UvDriver::watching() const { return false; }

void UvDriver::set_ref(bool) {}

bool UvDriver::others_wait() const { return false; }

}  // namespace vws

#endif
