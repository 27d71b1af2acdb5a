#include "engine/ws/tuning.h"

#include <cstdlib>
#include <cstring>

namespace vws {

namespace {

struct Switch {
  const char* name;
  bool Tuning::*member;
};

constexpr Switch kSwitches[] = {
    {"simd", &Tuning::simd},
    {"direct", &Tuning::direct},
    {"coalesce", &Tuning::coalesce},
    {"batch", &Tuning::batch},
    {"inline", &Tuning::inline_writes},
    {"gather", &Tuning::gather},
    {"external", &Tuning::external},
    {"guess", &Tuning::guess},
    {"strings", &Tuning::strings},
};

}  // namespace

Tuning parse_tuning(const char* disabled) {
  Tuning tuning;
  if (disabled == nullptr) return tuning;
  const char* at = disabled;
  while (*at != '\0') {
    const size_t length = std::strcspn(at, ", ");
    for (const Switch& s : kSwitches) {
      if (std::strlen(s.name) == length && std::memcmp(s.name, at, length) == 0) {
        tuning.*s.member = false;
      }
    }
    at += length;
    at += std::strspn(at, ", ");
  }
  return tuning;
}

const Tuning& tuning() {
  static const Tuning instance = parse_tuning(std::getenv("VERAWEBSOCKETS_DISABLE"));
  return instance;
}

}  // namespace vws
