// Vector code, scalar code and the validator in pieces must agree, and valid text must convert to
// UTF-16 of the right length.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "cpu_limit.h"
#include "engine/ws/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vws::test::CpuLimit limit(1);
  if (size < 1) return 0;
  const size_t piece = size_t{1} + data[0];
  const std::vector<uint8_t> in(data + 1, data + size);
  const vws::Utf8Class kind = vws::classify_utf8_scalar(in.data(), in.size());
  if (vws::classify_utf8(in.data(), in.size()) != kind) std::abort();
  if (vws::is_ascii(in.data(), in.size()) != (kind == vws::Utf8Class::kAscii)) std::abort();

  vws::Utf8Validator validator;
  bool ok = true;
  for (size_t at = 0; ok && at < in.size(); at += piece) {
    ok = validator.feed(in.data() + at, std::min(piece, in.size() - at));
  }
  if ((ok && validator.complete()) != (kind != vws::Utf8Class::kInvalid)) std::abort();
  if (kind == vws::Utf8Class::kInvalid) return 0;
  if (validator.ascii() != (kind == vws::Utf8Class::kAscii)) std::abort();

  size_t units = 0;
  for (const uint8_t byte : in) units += (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
  std::vector<char16_t> out(in.size());
  if (vws::utf8_to_utf16(in.data(), in.size(), out.data()) != units) std::abort();
  return 0;
}
