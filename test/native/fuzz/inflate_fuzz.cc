// Decompression must come to the same however its input is cut, never exceed its limit, and leave
// its contexts fit for the next message. With a window of less than 15 bits, data that reaches back
// beyond it is refused only where zlib no longer has what it refers to, which depends on the cuts.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "cpu_limit.h"
#include "engine/ws/deflate.h"

namespace {

using Bytes = std::vector<uint8_t>;
using vws::Inflater;

constexpr uint64_t kLimit = 300000;

Inflater::Status inflate(Inflater& inflater, const Bytes& in, size_t piece, Bytes* out) {
  size_t at = 0;
  Inflater::Status status = Inflater::Status::kOk;
  do {
    const size_t n = std::min(piece, in.size() - at);
    const Bytes copy(in.begin() + static_cast<long>(at), in.begin() + static_cast<long>(at + n));
    at += n;
    status = inflater.feed(copy.data(), n, at == in.size(), kLimit);
    if (inflater.output_size() > kLimit) std::abort();
    if (status == Inflater::Status::kOk && at < in.size() && !inflater.keep()) std::abort();
  } while (at < in.size() && status == Inflater::Status::kOk);
  out->assign(inflater.output(), inflater.output() + inflater.output_size());
  if (status == Inflater::Status::kOk) {
    inflater.end_message();
  } else {
    inflater.reset();
  }
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vws::test::CpuLimit limit(5);
  if (size < 2) return 0;
  const int bits = 8 + data[0] % 8;
  const bool forget = (data[0] & 8) != 0;
  const size_t piece = size_t{1} + data[1];
  // Three messages of one connection, so that windows and ends of streams carry over.
  const size_t third = (size - 2) / 3;
  vws::DeflatePool pool;
  Inflater whole(pool, bits, forget);
  Inflater cut(pool, bits, forget);
  for (size_t i = 0; i < 3; ++i) {
    const uint8_t* from = data + 2 + i * third;
    const Bytes in(from, i < 2 ? from + third : data + size);
    Bytes a;
    Bytes b;
    const Inflater::Status status = inflate(whole, in, SIZE_MAX, &a);
    const Inflater::Status status_cut = inflate(cut, in, piece, &b);
    if (bits < 15 && status != status_cut) break;
    if (status != status_cut) std::abort();
    if ((bits == 15 || status == Inflater::Status::kOk) && a != b) std::abort();
  }

  // And back: what is compressed here inflates to the same.
  vws::Deflater deflater(pool, bits, forget, 1 + data[1] % 9, 1 + data[1] % 9);
  Inflater reader(pool, bits, forget);
  for (int i = 0; i < 2; ++i) {
    vws::Deflater::Output out{};
    if (!deflater.compress(data, size, true, &out)) std::abort();
    const Bytes wire(out.data, out.data + out.size);
    Bytes back;
    if (inflate(reader, wire, piece, &back) != Inflater::Status::kOk && size <= kLimit)
      std::abort();
    if (size <= kLimit && back != Bytes(data, data + size)) std::abort();
  }
  return 0;
}
