// The frame reader must find the same in the same bytes however they are cut, and must never read
// or write outside them. The first bytes choose the reader's options and the cuts.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "../ws_support.h"
#include "cpu_limit.h"
#include "engine/ws/deflate.h"
#include "engine/ws/frame_reader.h"

namespace {

using namespace vws::test;

struct Config {
  vws::ReaderOptions options;
  bool deflate = false;
  bool forget = false;
};

std::string read_with(const Config& config, const Bytes& in, const std::vector<size_t>& pieces,
                      bool windows, size_t pause_every) {
  vws::DeflatePool pool;
  std::unique_ptr<vws::Inflater> inflater;
  vws::ReaderOptions options = config.options;
  if (config.deflate) {
    inflater = std::make_unique<vws::Inflater>(pool, 15, config.forget);
    options.inflater = inflater.get();
  }
  Recorder recorder;
  recorder.pause_every = pause_every;
  vws::FrameReader reader(recorder, options);
  std::string log = play(reader, recorder, in, pieces, windows);
  if (!reader.failed() && !reader.closed()) {
    if (reader.stats().wire_bytes != in.size()) std::abort();
    log += std::to_string(reader.stats().frames) + " frames\n";
  }
  return log;
}

void expect(const std::string& got, const std::string& want) {
  if (got == want) return;
  std::fprintf(stderr, "--- whole\n%s--- in pieces\n%s", want.c_str(), got.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vws::test::CpuLimit limit(5);
  if (size < 4) return 0;
  Config config;
  config.options.expect_masked = (data[0] & 1) != 0;
  config.deflate = (data[0] & 2) != 0;
  config.forget = (data[0] & 4) != 0;
  config.options.check_utf8 = (data[0] & 8) == 0;
  config.options.max_fragments = (data[0] & 16) != 0 ? 3 : 0;
  config.options.large_threshold = (data[0] & 32) != 0 ? 10 : 16 * 1024;
  // Always a limit: a few bytes can announce, or inflate to, more than a fuzzer's memory.
  config.options.max_message = (data[1] & 1) != 0 ? data[1] : 200000;
  const size_t every = data[1] >> 6;
  std::vector<size_t> pieces;
  for (int i = 0; i < 8; ++i)
    pieces.push_back(1 + ((data[2] >> i & 1) != 0 ? data[3] : data[3] % 5));
  const Bytes in(data + 4, data + size);

  const std::string want = read_with(config, in, {SIZE_MAX}, false, 0);
  expect(read_with(config, in, pieces, true, every), want);
  expect(read_with(config, in, {size_t{1} + data[3]}, false, 1), want);
  expect(read_with(config, in, {1}, false, 0), want);
  return 0;
}
